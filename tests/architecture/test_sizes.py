from __future__ import annotations

import ast

from architecture.source_tree import Function, check_with_exceptions, modules

MODULE_LINES = 400
FUNCTION_LINES = 60
PARAMETERS = 6


def test_modules_fit_in_a_head() -> None:
    lines = {module.name: len(module.text.splitlines()) for module in modules()}

    check_with_exceptions(
        "long-modules",
        {name: f"{name}: {count} lines" for name, count in lines.items() if count > MODULE_LINES},
        why=f"a module is one idea: aim at 150 lines, stop at {MODULE_LINES}",
        what="give the second idea its own module.",
    )


def test_functions_fit_on_a_screen() -> None:
    lines = {name: _length(function) for module in modules() for name, function in module.functions()}

    check_with_exceptions(
        "long-functions",
        {name: f"{name}: {count} lines" for name, count in lines.items() if count > FUNCTION_LINES},
        why=f"a function does one thing: aim at 25 lines, stop at {FUNCTION_LINES}, docstring included",
        what="split it where it changes the subject, or where deciding ends and doing begins.",
    )


def test_functions_take_few_positional_parameters() -> None:
    counts = {name: _positional(function) for module in modules() for name, function in module.functions()}

    check_with_exceptions(
        "many-parameters",
        {name: f"{name}: {count} positional parameters" for name, count in counts.items() if count > PARAMETERS},
        why=f"a call must be readable where it is made: aim at 3 positional parameters, stop at {PARAMETERS}",
        what="pass a value that has a name, or make the rest keyword-only.",
    )


def _length(function: Function) -> int:
    assert function.end_lineno is not None
    first = min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])
    return function.end_lineno - first + 1


def _positional(function: Function) -> int:
    parameters = [parameter.arg for parameter in ast_positional(function.args)]
    return len(parameters) - (parameters[:1] in (["self"], ["cls"]))


def ast_positional(arguments: ast.arguments) -> list[ast.arg]:
    return [*arguments.posonlyargs, *arguments.args]
