from __future__ import annotations

from architecture.source_tree import TESTS, Module, check_with_exceptions, is_declaration, modules


def test_every_module_with_code_has_its_tests() -> None:
    untested = {module.name: _expected(module) for module in modules() if _has_code(module)}

    check_with_exceptions(
        "untested-modules",
        {name: f"{name}: expected {path}" for name, path in untested.items() if not (TESTS / path).is_file()},
        why="tests mirror the sources, so that the tests of a module are found without searching",
        what="write its behaviour down in the expected file.",
    )


def _has_code(module: Module) -> bool:
    return any(not is_declaration(function) for _, function in module.functions())


def _expected(module: Module) -> str:
    """`clinx.billing.vault` → `billing/test_vault.py`; a package is tested beside its folder."""
    *rooms, name = module.name.split(".")[1:] or ["clinx"]
    return "/".join([*rooms, f"test_{name.strip('_')}.py"])
