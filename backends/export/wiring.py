"""How components follow each other: a class for each distinct block, and the model that runs them in order."""

from __future__ import annotations

import re
from collections.abc import Sequence

from backends.export.classes import ComponentClass, Signature, class_key, constructor, method, past_argument
from backends.export.target import Target
from backends.export.text import INDENT, Names, bracketed, camel, docstring, identifier, statement
from genome.instance import Instance, PlacedBlock, PlacedProgram
from genome.operations.tokens import INPUT_TOKENS

STREAM, PAST = "x", "past"


class Flow:
    """Statements that call modules one after another and hand shared values on."""

    def __init__(self, target: Target, taken: Sequence[str] = ()) -> None:
        self.target = target
        self.names = Names([*taken, PAST])
        self.shared: dict[str, str] = {}
        self.reads: dict[str, str] = {}
        self.penalty = ""
        self.steps: list[tuple[list[str], str]] = []

    def call(self, place: str, signature: Signature, arguments: Sequence[str], result: str) -> str:
        """Apply the module at a place; returns `result`, the variable that holds what it computed."""
        taken = [self._read(name) for name in signature.reads]
        results = [result]
        for name in signature.writes:
            self.shared[name] = self.names.fresh(identifier(name))
            results.append(self.shared[name])
        if signature.penalised:
            results.append(self.names.fresh("penalty_term"))
        given = [*arguments, *taken]
        if signature.keeps:
            path = place.removeprefix("self.").replace("[", ".").replace("]", "")
            given.append(f'{PAST} and {PAST}.at("{path}")')
        elif signature.past:
            given.append(PAST)
        self.steps.append((results, f"{place}({', '.join(given)})"))
        if signature.penalised:
            self.steps += [([self.penalty], f"{self.penalty} + {results[-1]}")] if self.penalty else []
            self.penalty = self.penalty or results[-1]
        return result

    def loop(self, decoding: bool) -> None:
        """Apply all blocks to the stream, one after the other."""
        if decoding:
            loop = "for index, block in enumerate(self.blocks):"
            call = f'block({STREAM}, {PAST} and {PAST}.at(f"blocks.{{index}}"))'
        else:
            loop, call = "for block in self.blocks:", f"block({STREAM})"
        self.steps.append(([], f"{loop}\n{INDENT * 3}{STREAM} = {call}"))

    def lines(self, returned: Sequence[str]) -> list[str]:
        """The statements, the last of which returns; results that nobody reads get no name."""
        steps = list(self.steps)
        final = ", ".join(returned)
        if steps and steps[-1][0] == list(returned):
            final = steps.pop()[1]
        lines: list[str] = []
        for index, (results, call) in enumerate(steps):
            later = "\n".join([*(text for _, text in steps[index + 1 :]), final])
            if not results:
                lines.append(f"{INDENT * 2}{call}")
                continue
            named = [name if re.search(rf"\b{name}\b", later) else "_" for name in results]
            lines += statement(f"{', '.join(named)} = {call}")
        return [*lines, *statement(f"return {final}")]

    def _read(self, name: str) -> str:
        if name not in self.shared:
            self.shared[name] = self.reads[name] = self.names.fresh(identifier(name))
        return self.shared[name]


def block_classes(
    instance: Instance, components: dict[str, ComponentClass], target: Target, names: Names
) -> tuple[dict[str, ComponentClass], list[Signature]]:
    """Classes of the distinct blocks, and for every block in order the one that it is an object of.

    Where one component takes what is known of earlier positions, all blocks do.
    """
    decoding = any(own.signature.past for own in components.values())
    found: dict[str, ComponentClass] = {}
    order: list[Signature] = []
    for block in instance.blocks:
        key = repr([[class_key(p.program) for p in part] for part in (*block.branches, block.merges)])
        key += class_key(block.residual.program) if block.residual else ""
        if key not in found:
            mixers = "".join(camel(branch[-1].program.name) for branch in block.branches)
            found[key] = _block(block, names.fresh(f"{mixers}Block"), components, target, decoding)
        order.append(found[key].signature)
    return found, order


def _block(
    block: PlacedBlock, name: str, components: dict[str, ComponentClass], target: Target, decoding: bool
) -> ComponentClass:
    def signature(placed: PlacedProgram) -> Signature:
        return components[class_key(placed.program)].signature

    declared: list[str] = []
    flow = Flow(target, [STREAM])
    results: list[str] = []
    for number, branch in enumerate(block.branches):
        made = [f"{signature(placed).name}({target.arguments})" for placed in branch]
        declared += _flush(bracketed(f"branch_{number} = [", made, "]"))
        result = flow.names.fresh("y")
        value = STREAM
        for index, placed in enumerate(branch):
            value = flow.call(f"self.branches[{number}][{index}]", signature(placed), [value], result)
        results.append(value)
    lists = [_modules(target, f"branch_{number}") for number in range(len(block.branches))]
    declared += _flush(statement(f"self.branches = {_modules(target, '[' + ', '.join(lists) + ']')}"))
    joined = results[0]
    if block.merges:
        made = [f"{signature(placed).name}({target.arguments})" for placed in block.merges]
        declared += _flush(bracketed("merges = [", made, "]"))
        declared.append(f"self.merge = {_modules(target, 'merges')}")
    for index, (merge, other) in enumerate(zip(block.merges, results[1:], strict=True)):
        joined = flow.call(f"self.merge[{index}]", signature(merge), [joined, other], joined)
    if block.residual is not None:
        own = signature(block.residual)
        declared.append(f"self.residual = {own.name}({target.arguments})")
        joined = flow.call("self.residual", own, [STREAM, joined], STREAM)
    writes = {name: variable for name, variable in flow.shared.items() if name not in flow.reads}
    overwritten = {name: flow.shared[name] for name in flow.reads if flow.shared[name] != flow.reads[name]}
    writes |= overwritten
    lines = [f"class {name}({target.base}):", *docstring([_described(block)], 1), ""]
    lines += constructor(target, declared)
    returned = [joined, *writes.values(), *_total(flow)]
    arguments = [f"{argument}: {target.array}" for argument in (STREAM, *flow.reads.values())]
    arguments += [past_argument(PAST)] if decoding else []
    lines += ["", *method(target.method, arguments, target.array, len(returned)), *flow.lines(returned)]
    penalised = bool(flow.penalty)
    keeps = any(signature(placed).keeps for placed in block.programs())
    own = Signature(name, tuple(flow.reads), tuple(writes), penalised, decoding, keeps)
    return ComponentClass(own, tuple(lines))


def model_class(
    instance: Instance, components: dict[str, ComponentClass], blocks: Sequence[Signature], target: Target
) -> list[str]:
    """The class `Model`."""

    def ends(name: str, part: Sequence[PlacedProgram]) -> list[str]:
        made = [f"{components[class_key(p.program)].signature.name}({target.arguments})" for p in part]
        return listed(name, made)

    def listed(name: str, made: Sequence[str]) -> list[str]:
        if not target.modules:
            return _flush(bracketed(f"self.{name} = [", made, "]"))
        return [*_flush(bracketed(f"{name} = [", made, "]")), f"self.{name} = {_modules(target, name)}"]

    declared = ["self.context = config.context"] if bounded(instance) else []
    declared += ends("embedding", instance.embedding)
    cycle = repeated(blocks)
    if cycle:
        made = [f"{block.name}({target.arguments})" for block in cycle]
        declared += ["blocks = []", "for _ in range(config.depth):"]
        declared += _flush(bracketed("blocks += [", made, "]", 3))
        declared.append(f"self.blocks = {_modules(target, 'blocks')}")
    else:
        declared += listed("blocks", [f"{block.name}({target.arguments})" for block in blocks])
    declared += ends("head", instance.head)
    flow = Flow(target, [STREAM, "tokens", "block"])
    flow.shared[INPUT_TOKENS] = "tokens"
    value = "tokens"
    for index, placed in enumerate(instance.embedding):
        own = components[class_key(placed.program)].signature
        value = flow.call(f"self.embedding[{index}]", own, [value], STREAM)
    if cycle:
        flow.loop(blocks[0].past)
    else:
        for index, block in enumerate(blocks):
            flow.call(f"self.blocks[{index}]", block, [STREAM], STREAM)
    for index, placed in enumerate(instance.head):
        flow.call(f"self.head[{index}]", components[class_key(placed.program)].signature, [STREAM], STREAM)
    scores = target.float32.format(STREAM)
    about = "Tokens [B, T] to scores of the next token, float32 [B, T, vocabulary]."
    lines = ["class Model(Decoder):", *docstring([about], 1), "", *constructor(target, declared), ""]
    arguments = [f"tokens: {target.array}", past_argument(PAST)]
    lines += method(target.method, arguments, target.array, 1)
    if not flow.penalty:
        return [*lines, *flow.lines([scores])]
    lines += [f"{INDENT * 2}return self.scores_and_penalty(tokens, past)[0]", ""]
    lines += method("scores_and_penalty", arguments, target.array, 2)
    lines += docstring(["The scores, and what training adds to the loss of the targets."], 2)
    return [*lines, *flow.lines([scores, *_total(flow)])]


def repeated(blocks: Sequence[Signature]) -> Sequence[Signature]:
    """The shortest sequence of blocks of which the model is a repetition; empty where blocks share values."""
    if not all(block.plain for block in blocks):
        return ()
    order = list(blocks)
    lengths = (n for n in range(1, len(order) + 1) if len(order) % n == 0)
    return next((order[:n] for n in lengths if order[:n] * (len(order) // n) == order), ())


def bounded(instance: Instance) -> bool:
    """Whether decoding ends with the context: at the end of a table of positions or of what is kept."""
    return any(
        node.operation == "position_embedding" or instance.sizes.context in node.history.values()
        for placed in instance.programs()
        for node in placed.program.nodes
    )


def _total(flow: Flow) -> list[str]:
    return [flow.penalty] if flow.penalty else []


def _modules(target: Target, text: str) -> str:
    return f"{target.modules}({text})" if target.modules else text


def _flush(lines: list[str]) -> list[str]:
    """Lines at the depth of a method's body, without that depth."""
    return [line.removeprefix(INDENT * 2) for line in lines]


def _described(block: PlacedBlock) -> str:
    paths = " | ".join(" > ".join(placed.program.name for placed in branch) for branch in block.branches)
    merged = f"{block.merges[0].program.name}[{paths}]" if block.merges else paths
    return f"{block.residual.program.name}({merged})." if block.residual else f"{merged}."
