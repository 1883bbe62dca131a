"""Whose turn it is among a channel's credentials, and what became of the turns.

There is a `Circuit` for every (channel name, credential fingerprint, upstream model, manner) that was used. They live
in memory and outlive reloads of the tree; a replaced key begins afresh, and so does a channel that is asked in another
manner: a tree on trial opens none of the other's circuits, and closes none. A `Turn` is one use of a way upstream: it
is taken here, judged here (`began`, `succeeded`, `refused`, `failed`), and ended here, exactly once, whatever happened.

Nobody is ever ejected for good: when nothing else is left, `last_resort` gives a way whose circuit is open, because
an unlikely answer is better than none.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from clinx.domain.catalog import NO_CREDENTIAL, Channel, Credential
from clinx.routing.circuit import Cause, Circuit, Sign, State
from clinx.routing.occupancy import Occupancy
from clinx.routing.way import HeldWay, Kind, Transition, Turn, Use, Way, WayState

MOST_WAYS: Final = 2000
"""Of one channel: where a channel offers patterns, callers choose the names of its models."""

OPEN_RANK: Final = 1e6
"""Behind whatever only rests."""
HELD_RANK: Final = 2e6
NEVER: Final = float("inf")

_NOTHING: Final[frozenset[str]] = frozenset()
_ANY: Final = Use()

Key = tuple[str, str, str]
"""Of a way of a channel: the credential's fingerprint, the upstream's model, the channel's manner."""
_UNUSED: Final[Mapping[Key, Way]] = {}


def _silent(_: Transition) -> None:
    """Tell nobody."""


def _middle() -> float:
    return 0.5


class Health:
    """In memory, keyed by channel names, credential fingerprints, upstream models and manners."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        jitter: Callable[[], float] = _middle,
        notify: Callable[[Transition], None] = _silent,
    ) -> None:
        """Take the monotonic clock in seconds, draws from [0, 1), and who is told of transitions."""
        self.occupancy = Occupancy()
        self._clock = clock
        self._jitter = jitter
        self._notify = notify
        self._turns: dict[str, int] = {}
        self._ways: dict[str, dict[Key, Way]] = {}
        self._ill: set[str] = set()
        """Channels of which some way may not be at its best; asking about any other costs next to nothing."""

    def rank(self, channel: Channel, model: str) -> float:
        """What a plan sorts by: 0.0 for a channel with a credential at its best; the larger, the worse."""
        if channel.name not in self._ill:
            return 0.0
        now = self._clock()
        return min(_rank(self._circuit(channel, each, model), now) for each in _credentials(channel))

    def under_way(self, channel: Channel) -> int:
        """Return how many attempts at a channel are under way."""
        return self.occupancy.under_way(channel.name)

    def latency(self, channel: Channel, model: str) -> float:
        """Return the average seconds to a model's first content by the channel's fastest credential; 0.0 if unknown."""
        ways, now = self._ways.get(channel.name, _UNUSED), self._clock()
        known = (ways.get((each.fingerprint, model, channel.manner)) for each in _credentials(channel))
        return min((way.pace.seconds(now) for way in known if way is not None), default=0.0)

    def is_full(self, channel: Channel, tokens: int) -> bool:
        """Whether a channel takes no attempt of so many tokens now, by its own limits."""
        return self.occupancy.free_in(channel, tokens, self._clock()) > 0

    def ready_in(self, channel: Channel, model: str, exclude: AbstractSet[str] = _NOTHING, tokens: int = 0) -> float:
        """Seconds until a credential may be used that only rests, or the channel is no longer full; else infinity."""
        now = self._clock()
        circuits = (self._circuit(channel, each, model) for each in _left(channel, exclude))
        waits = [max(0.0, circuit.rests_until - now) for circuit in circuits if circuit.is_closed]
        return max(min(waits), self.occupancy.free_in(channel, tokens, now)) if waits else NEVER

    def take(self, channel: Channel, model: str, exclude: AbstractSet[str] = _NOTHING, use: Use = _ANY) -> Turn | None:
        """Begin to use the credential whose turn it is; a suspect one only when no other is left.

        A channel without credentials presents `NO_CREDENTIAL`.

        Args:
            channel: whose credentials are used in turn.
            model: the upstream's name for the model.
            exclude: fingerprints not to use, for they were tried already.
            use: what for.

        Returns:
            None when every credential is excluded, resting or ejected, or when the channel is full.
        """
        credentials = self._in_turn(channel)
        if exclude:
            credentials = tuple(each for each in credentials if each.fingerprint not in exclude)
        now = self._clock()
        if channel.name in self._ill:
            credentials = self._usable(channel, model, credentials, now)
        if not credentials or not self.occupancy.enter(channel, use.tokens, now):
            return None
        return self._begin(channel, self._way(channel, credentials[0], model), credentials[0], use, now)

    def last_resort(
        self, channel: Channel, model: str, exclude: AbstractSet[str] = _NOTHING, use: Use = _ANY
    ) -> Turn | None:
        """Begin to use the least bad credential of those whose circuit is open; None when none is, or it rests."""
        now = self._clock()
        left = [each for each in _left(channel, exclude) if _is_ejected(self._circuit(channel, each, model), now)]
        if not left or not self.occupancy.enter(channel, use.tokens, now):
            return None
        best = min(left, key=lambda each: _rank(self._circuit(channel, each, model), now))
        return self._begin(channel, self._way(channel, best, model), best, use, now)

    def try_out(self, channel: Channel, credential: Credential, model: str, use: Use) -> Turn | None:
        """Begin a test of one credential, whatever its circuit says; None when the channel is full."""
        now = self._clock()
        if not self.occupancy.enter(channel, use.tokens, now):
            return None
        way = self._way(channel, credential, model)
        way.under_way += 1
        way.endpoint = use.endpoint
        return Turn(channel, credential, way, Kind.TEST, way.circuit.epoch, now, use)

    def began(self, turn: Turn) -> None:
        """Take note that there is content: how fast it came; and an open circuit closes."""
        now = self._clock()
        turn.way.pace.sample(now - turn.begun_at, now)
        if turn.kind is not Kind.NORMAL and self._is_current(turn):
            self._follow(turn.channel.name, turn.way, Sign.PROVEN)
            turn.kind, turn.epoch = Kind.NORMAL, turn.way.circuit.epoch

    def succeeded(self, turn: Turn) -> None:
        """Take note that the answer is whole."""
        if self._is_current(turn):
            turn.way.circuit.succeed(self._clock())

    def rested(self, turn: Turn, seconds: float) -> None:
        """Take note that the vendor said when to come back: the credential is not used for this model before."""
        self._ill.add(turn.channel.name)
        turn.way.circuit.rest(self._clock(), seconds)

    def refused(self, turn: Turn, *, can_test: bool = False, is_sure: bool = False) -> None:
        """Take note that the credential was refused; too often, or of different users, opens the circuit.

        Where a channel test can find out whether it is good again (``can_test``), no caller's request has to: the
        circuit is held, unless all that is known is that one user's probe was refused.

        Args:
            turn: which.
            can_test: whether there is a test of such a way.
            is_sure: whether it can only have been the credential, whatever the request was.
        """
        self._ill.add(turn.channel.name)
        is_wrong = turn.way.circuit.refuse(self._clock(), turn.use.user, is_sure=is_sure)
        if is_wrong or turn.kind is not Kind.NORMAL:
            self._trip(turn, Cause.REFUSED, held=can_test and (is_wrong or is_sure or turn.kind is Kind.TEST))

    def failed(self, turn: Turn, cause: Cause) -> None:
        """Take note of a failure that speaks against the channel; too many open the circuit."""
        if not self._is_current(turn):
            return
        circuit, rule = turn.way.circuit, turn.channel.circuit
        if circuit.fail(rule, self._clock()) or turn.kind in {Kind.PROBE, Kind.TEST}:
            self._trip(turn, cause)

    def told(self, turn: Turn, *, can_test: bool = False) -> None:
        """Take note of an answer that the tree says opens the circuit at once."""
        self._trip(turn, Cause.TOLD, held=can_test)

    def ended(self, turn: Turn, tokens: int | None = None) -> None:
        """End a turn, once: what it used of the channel is free again. A probe that told nothing may be repeated.

        Args:
            turn: which.
            tokens: how many it used, 0 where nobody worked on it; None when nobody knows.
        """
        if turn.ended:
            return
        turn.ended = True
        turn.way.under_way -= 1
        correction = 0 if tokens is None else tokens - turn.use.tokens
        self.occupancy.leave(turn.channel, correction, self._clock(), turn.begun_at)
        if turn.kind is Kind.PROBE and self._is_current(turn):
            turn.way.circuit.void(self._clock())
        elif turn.kind is Kind.TEST and turn.way.circuit.until <= self._clock():
            # It told nothing, and the next one would not tell more so soon.
            turn.way.circuit.until = self._clock() + turn.channel.circuit.longest

    def reset(self, channel: str) -> int:
        """Believe again in everything of a channel, because an operator says so; return how much that changed."""
        now, changed = self._clock(), 0
        for way in self._ways.get(channel, _UNUSED).values():
            changed += not way.circuit.is_well(now)
            self._follow(channel, way, Sign.RESET)
            way.circuit.forget()
        self._ill.discard(channel)
        return changed

    def states(self) -> tuple[WayState, ...]:
        """Return what is known of every way that was used, by channel."""
        now = self._clock()
        return tuple(
            _state(name, way, now) for name, ways in sorted(self._ways.items()) for _, way in sorted(ways.items())
        )

    def due_for_test(self) -> Iterator[HeldWay]:
        """Yield the held ways whose time has come."""
        now = self._clock()
        for name in sorted(self._ill):
            for way in self._ways.get(name, _UNUSED).values():
                circuit = way.circuit
                if circuit.held and max(circuit.until, circuit.rests_until) <= now and way.endpoint is not None:
                    yield HeldWay(name, way.fingerprint, way.model, way.manner, way.endpoint)

    def settle(self) -> None:
        """Take note of who got well by the passing of time."""
        now = self._clock()
        for name in list(self._ill):
            if all(way.circuit.is_well(now) for way in self._ways.get(name, _UNUSED).values()):
                self._ill.discard(name)

    def forget_others(self, channels: Iterable[Channel]) -> None:
        """Forget what belongs to channels, credentials and manners that are not among these, and is not in use."""
        known = {(each.name, key.fingerprint, each.manner) for each in channels for key in _credentials(each)}
        names = {name for name, _, _ in known}
        for name, ways in list(self._ways.items()):
            idle = [key for key, way in ways.items() if not way.under_way]
            for key in [key for key in idle if (name, key[0], key[2]) not in known]:
                del ways[key]
            if not ways:
                del self._ways[name]
        self.occupancy.forget_others(names)
        for name in self._turns.keys() - names:
            del self._turns[name]

    def _in_turn(self, channel: Channel) -> tuple[Credential, ...]:
        credentials = _credentials(channel)
        if len(credentials) > 1:
            turn = self._turns.get(channel.name, 0)
            self._turns[channel.name] = turn + 1
            start = turn % len(credentials)
            return (*credentials[start:], *credentials[:start])
        return credentials

    def _usable(
        self, channel: Channel, model: str, credentials: Collection[Credential], now: float
    ) -> tuple[Credential, ...]:
        """Leave out whom nobody may use now; suspects go last."""
        circuits = ((each, self._circuit(channel, each, model)) for each in credentials)
        ready = [(max(0.0, circuit.suspect_until - now), each) for each, circuit in circuits if _may_pass(circuit, now)]
        return tuple(each for _, each in sorted(ready, key=lambda pair: pair[0]))

    def _begin(self, channel: Channel, way: Way, credential: Credential, use: Use, now: float) -> Turn:
        circuit, kind = way.circuit, Kind.NORMAL
        if circuit.is_due(now):
            kind = Kind.PROBE
            circuit.probe(channel.circuit, now)
        elif not circuit.is_closed:
            kind = Kind.LAST_RESORT
        way.under_way += 1
        way.endpoint = use.endpoint
        return Turn(channel, credential, way, kind, circuit.epoch, now, use)

    def _way(self, channel: Channel, credential: Credential, model: str) -> Way:
        ways = self._ways.get(channel.name)
        if ways is None:
            ways = self._ways[channel.name] = {}
        key = (credential.fingerprint, model, channel.manner)
        way = ways.get(key)
        if way is None:
            if len(ways) >= MOST_WAYS:
                _make_room(ways, self._clock())
            way = ways[key] = Way(*key)
        return way

    def _circuit(self, channel: Channel, credential: Credential, model: str) -> Circuit:
        way = self._ways.get(channel.name, _UNUSED).get((credential.fingerprint, model, channel.manner))
        return way.circuit if way is not None else Circuit()

    @staticmethod
    def _is_current(turn: Turn) -> bool:
        """Whether the circuit is as it was when the turn was taken."""
        return turn.way.circuit.epoch == turn.epoch

    def _trip(self, turn: Turn, cause: Cause, *, held: bool = False) -> None:
        if turn.kind is Kind.LAST_RESORT or not self._is_current(turn):
            return  # That it is open is known, and how long it stays so is for its probes to say.
        self._ill.add(turn.channel.name)
        now, circuit = self._clock(), turn.way.circuit
        circuit.trip(cause, turn.channel.circuit, now, self._jitter(), held=held)
        self._tell(turn.channel.name, turn.way, cause)

    def _follow(self, channel: str, way: Way, sign: Sign) -> None:
        cause = way.circuit.cause
        if way.circuit.apply(sign) and way.circuit.state is State.CLOSED:
            self._tell(channel, way, cause)

    def _tell(self, channel: str, way: Way, cause: Cause | None) -> None:
        circuit = way.circuit
        seconds = 0.0 if circuit.is_closed else max(0.0, circuit.until - self._clock())
        self._notify(
            Transition(channel, way.fingerprint, way.model, circuit.state, cause, round(seconds, 3), circuit.held)
        )


def _credentials(channel: Channel) -> tuple[Credential, ...]:
    return channel.credentials or (NO_CREDENTIAL,)


def _left(channel: Channel, exclude: AbstractSet[str]) -> Iterator[Credential]:
    return (each for each in _credentials(channel) if each.fingerprint not in exclude)


def _may_pass(circuit: Circuit, now: float) -> bool:
    return circuit.rests_until <= now and (circuit.is_closed or circuit.is_due(now))


def _is_ejected(circuit: Circuit, now: float) -> bool:
    return not circuit.is_closed and circuit.rests_until <= now


def _rank(circuit: Circuit, now: float) -> float:
    """Order ways: at their best, due for a probe, suspect or resting, open, held."""
    rest = max(0.0, circuit.rests_until - now)
    if circuit.is_closed:
        return max(rest, circuit.suspect_until - now)
    if circuit.held:
        return HELD_RANK + rest
    return rest if circuit.is_due(now) else OPEN_RANK + max(rest, circuit.until - now)


def _state(channel: str, way: Way, now: float) -> WayState:
    circuit = way.circuit
    rest, doubt = circuit.rests_until - now, circuit.suspect_until - now
    name, seconds, cause = circuit.state.value, max(0.0, circuit.until - now), circuit.cause
    if circuit.held and circuit.state is State.OPEN:
        name = "held"
    elif circuit.is_closed:
        name, seconds, cause = "closed", 0.0, None
        if rest > 0:
            name, seconds, cause = "resting", rest, Cause.OVERLOADED
        elif doubt > 0:
            name, seconds, cause = "suspect", doubt, Cause.REFUSED
    latency = round(way.pace.seconds(now), 4)
    said = None if cause is None else cause.value
    seconds = round(seconds, 3)
    return WayState(channel, way.fingerprint, way.model, name, said, seconds, latency, way.under_way, way.manner)


def _make_room(ways: dict[Key, Way], now: float) -> None:
    """Forget the way that was met first, of those that are idle and well if there are such."""
    idle = (key for key, way in ways.items() if not way.under_way and way.circuit.is_well(now))
    del ways[next(idle, next(iter(ways)))]
