"""Where a value of the tree comes from: every place that says something of it, the one that counts first.

A value has an override's, its own line, those of the profiles it extends, that of the provider, and a default: in this
order. Maps are merged, so of a map every place counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, Final, cast, get_args, get_origin

from pydantic import BaseModel

from clinx.config.declared import is_rules
from clinx.config.diagnostics import did_you_mean
from clinx.config.document import DocumentReader
from clinx.config.inherit import KEY
from clinx.config.nodes import Mark, Node, json_text, overlay, without_nulls
from clinx.config.policy_schema import RuleShape
from clinx.config.provider_schema import ProviderShape
from clinx.config.schema import ChannelShape, GatewayShape, GroupShape, ModelShape, ProfileShape
from clinx.config.secrets import PLACEHOLDER, beside_references, looks_secret
from clinx.config.snapshot import Snapshot
from clinx.config.spelling import absent, spelled
from clinx.config.tree import ROOT_FILE, Tree
from clinx.domain.override import Aspect, Override
from clinx.domain.usage import Unit

SECTIONS: Final[Mapping[str, type[BaseModel]]] = MappingProxyType(
    {
        "channels": ChannelShape,
        "profiles": ProfileShape,
        "providers": ProviderShape,
        "groups": GroupShape,
        "models": ModelShape,
        "policies": RuleShape,
    }
)
"""What has names."""
ROOT_KEYS: Final = frozenset({"server", "invitations", "payments", "console", "currency", "rollout"})
_KINDS: Final[Mapping[str, str]] = MappingProxyType({"policies": "rule"})
_FROM_PROVIDER: Final = frozenset({"base_url", "unresolved"})


class UnknownPathError(ValueError):
    """A path that leads nowhere; the text says so, and what may have been meant."""


@dataclass(frozen=True, slots=True)
class Said:
    """One place that says something of a value."""

    who: str
    """``channels.main``, ``profiles.eu``, ``providers/acme.yaml``, ``override 3``, ``default``."""
    mark: Mark | None
    value: str


@dataclass(frozen=True, slots=True)
class Origin:
    """A value and where it comes from."""

    path: str
    value: str
    """What counts."""
    chain: tuple[Said, ...]
    """Whoever says something of it, the strongest first."""


@dataclass(frozen=True, slots=True)
class _Layer:
    who: str
    node: Node


def origin(tree: Tree, snapshot: Snapshot, path: str, overrides: Iterable[Override] = ()) -> Origin:
    """Return where the value at a path such as ``channels.main.timeouts.connect`` comes from.

    Raises:
        UnknownPathError: there is no such thing, or it has no such key.
    """
    return _Provenance(tree, snapshot).origin(path, overrides)


def is_path(text: str) -> bool:
    """Whether a text is meant as a path, and not as the id of a request: no id has a dot."""
    return "." in text or text in SECTIONS.keys() | ROOT_KEYS


class _Provenance:
    """The documents of one tree as they were written, nothing inherited yet."""

    def __init__(self, tree: Tree, snapshot: Snapshot) -> None:
        reader = DocumentReader()
        roots = {name: root for name in tree.files if (root := reader.read(name, tree.files[name]).root) is not None}
        documents = [roots[name] for name in (ROOT_FILE, *tree.included) if name in roots]
        self._snapshot = snapshot
        self._root = roots.get(ROOT_FILE) or Node({}, Mark(ROOT_FILE))
        self._named: dict[str, dict[str, Node]] = {
            "channels": {_name(node): node for each in documents for node in _list(each, "channels")},
            "providers": {PurePosixPath(n).stem: root for n, root in roots.items() if n.startswith("providers/")},
            "policies": {_name(node): node for name, root in roots.items() if is_rules(name) for node in root.items},
        }
        for section in ("groups", "models", "profiles"):
            maps = (each.map.get(section) for each in reversed(documents))
            self._named[section] = {name: node for each in maps if each is not None for name, node in each.map.items()}

    def origin(self, path: str, overrides: Iterable[Override]) -> Origin:
        section, _, rest = path.partition(".")
        if section in ROOT_KEYS:
            return self._of_root(path)
        shape = SECTIONS.get(section)
        if shape is None:
            raise UnknownPathError(_unknown("section", section, [*SECTIONS, *ROOT_KEYS]))
        name, keys = self._split(section, rest)
        _check(shape, section, keys)
        overriding = tuple(_overridden(overrides, name, keys)) if section == "channels" else ()
        said = list(_said(self._layers(section, name, keys), keys))
        return self._origin(path, said, self._default(section, name, keys), overriding)

    def _origin(
        self, path: str, said: list[tuple[_Layer, Node]], default: str | None, overriding: tuple[Said, ...] = ()
    ) -> Origin:
        chain = (
            *overriding,
            *(Said(layer.who, _mark(layer.node, path, node), _text(node.plain())) for layer, node in said),
        )
        if not chain:
            chain = (Said("default", None, "nothing" if default is None else default),)
        if said and said[0][1].value is None and not overriding:
            return Origin(path, "nothing" if default is None else default, chain)  # ``~`` takes away what is inherited.
        if len(said) > 1 and not overriding:
            whole = without_nulls(reduce(overlay, (node for _, node in reversed(said))))
            return Origin(path, _text(whole.plain()), chain)
        return Origin(path, chain[0].value, chain)

    def _of_root(self, path: str) -> Origin:
        keys = path.split(".")
        _check(GatewayShape, "", keys)
        said = list(_said([_Layer(ROOT_FILE, self._root)], keys))
        compiled = _walk(self._snapshot, keys)
        default = absent(GatewayShape, keys) if compiled is None else spelled(GatewayShape, keys, compiled)
        return self._origin(path, said, default)

    def _split(self, section: str, rest: str) -> tuple[str, list[str]]:
        """Tell the name from the keys behind it: names have dots in them."""
        names = self._named[section]
        fits = [name for name in names if rest == name or rest.startswith(f"{name}.")]
        if not fits:
            raise UnknownPathError(
                _unknown(_KINDS.get(section, section.removesuffix("s")), rest.partition(".")[0] or rest, names)
            )
        name = max(fits, key=len)
        return name, _keys(rest[len(name) + 1 :])

    def _layers(self, section: str, name: str, keys: list[str]) -> list[_Layer]:
        node = self._named[section][name]
        if section == "providers":
            return self._provider(name)
        if section not in {"channels", "profiles"}:
            return [_Layer(f"{section}.{name}", node)]
        layers = list(_extended(f"{section}.{name}", node, "profiles.{}", self._named["profiles"]))
        provider = next((text for layer in layers if (text := layer.node.map.get("provider"))), None)
        if provider is not None and keys and (keys[0] in _FROM_PROVIDER or keys[0] == "settings"):
            layers.extend(self._provider(str(provider.value)))
        return layers

    def _provider(self, name: str) -> list[_Layer]:
        providers = self._named["providers"]
        node = providers.get(name)
        return [] if node is None else list(_extended(f"providers/{name}.yaml", node, "providers/{}.yaml", providers))

    def _default(self, section: str, name: str, keys: list[str]) -> str | None:
        """Return what counts where nobody says anything: what the tree was compiled to."""
        if section == "models" and len(keys) == _UNIT_DEPTH and keys[0] == "price" and keys[1] in set(Unit):
            model = self._snapshot.model(name)
            rate = model.price.rates(0, {}).rate(Unit(keys[1])) if model is not None else None
            return None if rate is None else f"{rate.text} (as what it is a part of)"
        if section == "channels" and keys == [Aspect.DISABLED.value]:
            return "false"
        compiled = _walk(_compiled(self._snapshot, section, name), keys)
        return None if compiled is None else spelled(SECTIONS[section], keys, compiled)


_UNIT_DEPTH: Final = 2


def _compiled(snapshot: Snapshot, section: str, name: str) -> object:
    match section:
        case "channels":
            return snapshot.channels.get(name)
        case "groups":
            return snapshot.groups.get(name)
        case "models":
            return snapshot.model(name)
        case _:
            return None


def _extended(who: str, node: Node, label: str, sources: Mapping[str, Node], seen: int = 0) -> Iterator[_Layer]:
    """Yield a node and what it extends, the strongest first: of several bases the last."""
    yield _Layer(who, node)
    wish = node.map.get(KEY)
    if wish is None or seen > len(sources):
        return
    for each in reversed(wish.items or [wish]):
        base = sources.get(str(each.value))
        if base is not None:
            yield from _extended(label.format(each.value), base, label, sources, seen + 1)


def _said(layers: Iterable[_Layer], keys: list[str]) -> Iterator[tuple[_Layer, Node]]:
    """Yield the layers that have something at these keys, and what."""
    for layer in layers:
        found = _at(layer.node, keys)
        if found is None and keys[:1] == ["settings"]:
            found = _at(layer.node, [*keys, "default"])  # A provider declares what its channels set.
        if found is not None:
            yield layer, found


def _mark(node: Node, path: str, found: Node) -> Mark:
    """Return where the key of a value stands: of a map the value's own place is its first line's."""
    key = _keys(path)[-1]
    step: list[Node] = [node]
    while step:
        each = step.pop()
        if each.map.get(key) is found:
            return each.keys[key]
        step.extend((*each.map.values(), *each.items))
    return found.mark


def _at(node: Node, keys: list[str]) -> Node | None:
    step: Node | None = node
    for key in keys:
        if step is None:
            return None
        step = step.child(int(key) if key.isdigit() and isinstance(step.value, list) else key)
    return step


def _overridden(overrides: Iterable[Override], name: str, keys: list[str]) -> Iterator[Said]:
    for each in reversed(list(overrides)):
        if each.channel == name and keys == [each.aspect.value]:
            until = each.until.isoformat(timespec="minutes")
            yield Said(f"override {each.id} of {each.actor} until {until}: {each.reason}", None, _overriding(each))


def _overriding(override: Override) -> str:
    return override.shown.partition("=")[2]


def _check(shape: type[BaseModel], section: str, keys: list[str]) -> None:
    """Refuse a key that nothing of this kind has, as deep as shapes say it: what lies in maps is anybody's name."""
    known = [field.alias or name for name, field in shape.model_fields.items()]
    if section == "channels":
        known.append(Aspect.DISABLED.value)
    if not keys:
        return
    if keys[0] not in known:
        raise UnknownPathError(_unknown("key", keys[0], known))
    field = next((each for name, each in shape.model_fields.items() if (each.alias or name) == keys[0]), None)
    below = _classes(field.annotation) if field is not None else []
    if len(below) == 1:
        _check(below[0], "", keys[1:])


def _classes(annotation: object) -> list[type[BaseModel]]:
    """Return the shapes a value may have; none where it may be a map or a list as well."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    choices = [each for each in get_args(annotation) if each is not type(None)]
    return _classes(choices[0]) if len(choices) == 1 and get_origin(annotation) not in {list, dict} else []


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    hint = did_you_mean(name, known)
    return f'unknown {kind} "{name}"{f" ({hint})" if hint else ""}'


def _keys(text: str) -> list[str]:
    return [key for key in text.replace("[", ".").replace("]", "").split(".") if key]


def _walk(value: object, keys: list[str]) -> object:
    """Follow names through compiled values; None where they lead nowhere."""
    for key in keys:
        if isinstance(value, Mapping):
            value = cast("Mapping[str, object]", value).get(key)
        else:
            value = getattr(value, key, None)
    return value


def _text(plain: Any) -> str:
    """Write a value as the tree has it. What looks like a secret is not shown, even if the compiler let it pass."""
    if isinstance(plain, str):
        return "(looks like a secret)" if looks_secret(beside_references(plain)) and "://" not in plain else plain
    return "~" if plain is None else json_text(plain).decode()


def credentials(snapshot: Snapshot, channel: str) -> Iterator[tuple[str, str]]:
    """Yield the references of a channel's keys with their fingerprints, where this machine has the keys."""
    found = snapshot.channels.get(channel)
    for each in found.credentials if found is not None else ():
        yield each.reference, "not set here" if each.secret == PLACEHOLDER else each.fingerprint


def _name(node: Node) -> str:
    name = node.map.get("name")
    return str(name.value) if name is not None else ""


def _list(document: Node, key: str) -> list[Node]:
    found = document.map.get(key)
    return found.items if found is not None else []
