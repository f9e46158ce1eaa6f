"""English."""

from symbp.derivations.languages.words import Words

__all__ = ["ENGLISH"]

SENTENCES = {
    # Joining
    "list.comma": ", ",
    "list.and": " and ",
    "list.clause": ", ",
    "colon": ":",
    "full stop": ".",
    "gap": " ",
    # Steps of a derivation
    "step.definition": "Write",
    "step.rewriting": "The logarithm of the softmax is then",
    "step.equation.one": "{name} appears in the equation",
    "step.equation.many": "{name} appears in the equations",
    "step.chain": "By the chain rule, along every path from {name} to {cost}",
    "step.chain.delta": "By the chain rule, writing {delta} for {partial}",
    "step.local.one": "where, differentiating this equation with respect to {name}",
    "step.local.many": "where, differentiating these equations with respect to {name}",
    "step.substitution": "Substituting these",
    "step.likewise": "Likewise",
    "step.inline.equation": "{said} {shown}.",
    "step.inline.local derivative": "{said}, {shown}.",
    "step.statement": "{name} in general",
    "step.zero": "Every derivative between {name} and {cost} is zero",
    "step.named": "This is {name}",
    "step.result": "Hence",
    "step.put in": "substituting {known}",
    "fact.written out": "with {of} written out",
    "fact.sums to one": "as {of} sums to one",
    "fact.in terms of": "in terms of {of}",
    "fact.simplified": "simplified",
    "steps.index form": "The steps are in index form: each is said for all entries at once.",
    "statement.none": "applies to no layer",
    # A sheet
    "sheet.definition": "by definition",
    "sheet.example": "per example; averaged over the {batch} examples",
    # Sections of a report
    "report.title": "Backpropagation of a network, derived",
    "report.contents": "Contents",
    "section.network": "Network",
    "section.forward": "Forward equations",
    "section.fundamental": "The four fundamental equations",
    "section.gradient": "The gradient",
    "section.entries": "Every entry of the gradient",
    "section.steps": "Step by step",
    "section.drawings": "Drawings",
    "section.operations": "Operations",
    "section.functions": "Functions",
    "heading.others": "Other derivatives",
    "heading.derivation": "Derivation of {what}",
    "heading.paths": "The same as sums over paths",
    "heading.sizes": "The same in the sizes",
    "what.BP1": "the error of the output layer",
    "what.BP2": "the error of a layer from that of the next",
    "what.BP3": "the gradient with respect to the biases",
    "what.BP4": "the gradient with respect to the weights",
    "what.title": "{name}: {what}",
    # What a report says
    "network.equations.one": "one equation",
    "network.equations.many": "{count} equations",
    "network.inputs.one": "one input",
    "network.inputs.many": "{count} inputs",
    "network.targets.one": "one target",
    "network.targets.many": "{count} targets",
    "network.parameters.one": "one parameter tensor",
    "network.parameters.many": "{count} parameter tensors",
    "network.cost": "A program of {parts}. What is wanted is the gradient of its cost.",
    "network.of": "A program of {parts}. What is wanted are the derivatives of {name}.",
    "forward.mean": "The equations are those of one example. Cost and gradients are their means "
    "over the {batch} examples of a batch, {mean}.",
    "too many": "Written out, there would be {count} equations, more than {most}. The index form "
    "stands here instead.",
    "run time": "A size is known at run time only, so that entries cannot be written out. The "
    "index form stands here instead.",
    "places": "Places count from 0, as in {shown}.",
    "backward.definition": "By definition {shown}.",
    "backward.outside": "After the last step there is nothing:",
    "entries.too many": "The gradient has {count} entries; they are written out when there are at "
    "most {most}. A single one can be asked for: `derivation.entry(…)`.",
    "entries.each": "Each entry in the symbols of the forward pass, nothing abbreviated.",
    "entries.paths": "The first entry of each parameter: one product for each path from the cost "
    "to it.",
    "entries.too long": "`{name}`: the formula is too long to be written out.",
    "entry.left out": "Left out: the expanded formula would hold more than {most} symbols.",
    "paths.left out": "a sum over {count} paths, more than the limit of {most}: not written out",
    "functions.derivatives": "Their derivatives:",
    "functions.only derivatives": "Derivatives:",
    "rule.kink": "at the kink, by convention, {values}",
    "symbols.symbol": "Symbol",
    "symbols.python": "In Python",
    "symbols.role": "Role",
    "symbols.shape": "Shape",
    "role.input": "input",
    "role.target": "target",
    "role.parameter": "parameter",
    "role.constant": "constant",
    "role.state": "state",
    "role.noise": "noise",
    "role.computed": "computed",
    "role.cost": "cost",
    "cases.if": "if",
    "cases.otherwise": "otherwise",
    "cases.else": "else",
    "path.direct": "direct",
    "trace.terms": "a sum of {count} terms",
    # Drawings
    "picture.layers": "The network, from its inputs to its cost.",
    "picture.reverse": "The backward pass as a network of its own, from right to left: the "
    "derivatives of the functions amplify what passes.",
    "graph.layers": "Layer view: neurons, and weights on the edges",
    "graph.layers.batch": "Layer view, for {batch} = {count} examples",
    "graph.reverse": "Reverse network: the backward pass from right to left",
    "graph.reverse.batch": "Reverse network, for {batch} = {count} examples",
    # Numbers of operations
    "count.multiplications": "multiplications",
    "count.additions": "additions",
    "count.calls": "function calls",
    "count.all": "all",
    "count.ratio": "× forward pass",
    "method.forward pass": "forward pass",
    "method.reverse mode": "reverse mode",
    "method.forward mode": "forward mode",
    "method.path enumeration": "path enumeration",
    "count.example": ", for one example",
    "count.paths": "; {paths} paths lead to them from the cost",
    "count.caption": "Operations for the gradient with respect to {count} parameters{example}"
    "{paths}.",
    "count.with": "with {sizes}",
    "count.size.2": "{parts[0]} ({parts[1]})",
    "count.size.3": "{parts[0]} ({parts[1]} of {parts[2]})",
    "count.remark": "{method}: {remark}.",
    "count.method": "{method}:",
    "count.terms": "a formula of {count} terms",
    # Beside code
    "code.none": "No code is generated: {reason}.",
    "code.module": "The function of the gradient in the module that "
    "`bp.generate(network, 'network.py')` writes, with the numbers of its lines.",
    "code.loops": "The function of the gradient in loops. The module that "
    "`bp.generate(network, 'network.py')` writes has the same without the loops over what is no "
    "example: of so small a network every element has a line of its own.",
    "code.batch": "It computes a whole batch: {index} counts its {size} examples.",
    "code.example": "The lines of the derivation beside it are those of one example.",
    "code.signs": "Where code in several places adds up one quantity, {starts} stands where it "
    "starts and {adds} where something is added; an equation with $=$ is the whole.",
    "code.adjoints": "A name that ends in `_adjoint` is the derivative of the cost with respect to "
    "what stands before it: {examples}.",
    "code.meaning": "`{name}` is {symbol}",
    "code.introduced": "Of what the steps introduce, {examples}.",
    "code.shared": "A name that begins with `shared` is an expression that several equations read.",
    "code.operands": "`…_operand` and `…_contracted` are what a matrix product reads and gives.",
    "code.logsumexp": "Behind `logsumexp` stands the logarithm of a sum of exponentials; the "
    "largest argument is taken out of it, so that nothing overflows.",
    "code.before": "Arguments, the parameters and gradients as views, and memory for what is "
    "computed.",
    "code.aliases": "A line that ends in `# its memory` gives a quantity the memory of another "
    "one, which is no longer read when this one is written.",
    "code.after": "The cost is returned; the gradient stands in its buffer.",
    "code.derivation": "Of the derivation:",
    "code.derivation.mean": "Of the derivation, for one example. The code has the mean's factor "
    "{factor} from here on, in this derivative and all that follow from it:",
    "routine.multiplies": "`{name}(s, t, rows, columns, terms, alpha, A, p, B, q, beta, D, r)` "
    r"multiplies matrices: $D \leftarrow \alpha A B + \beta D$, where `D` is `rows` by `columns` "
    "and each entry of the product a sum of `terms`; `s` and `t` say whether `A` and `B` are "
    "transposed first, and `p`, `q` and `r` are the lengths of the rows in memory.",
    "routine.tiled": "`one` with rows of length 0 is a row of ones: then the columns of `B` are "
    "summed.",
    "routine.gemv": "`gemv(t, rows, columns, alpha, A, p, x, i, beta, y, j)` multiplies a matrix "
    r"and a vector: $y \leftarrow \alpha A x + \beta y$, where `A` is `rows` by `columns`; `t` "
    "says whether it is transposed first, `p` is the length of its rows in memory, and `i` and `j` "
    "are the steps between the entries of the vectors.",
    "routine.added": "`added(s, t)` is $s + t$; the terms of a sum may be added in any order.",
    "routine.ger": "`ger(rows, columns, alpha, x, i, y, j, A, p)` adds an outer product: "
    r"$A \mathrel{{+}}= \alpha x y^T$, where `A` is `rows` by `columns`; `i` and `j` are the steps "
    "between the entries of the vectors, and `p` is the length of the rows in memory.",
    "routine.dot": "`dot(terms, x, i, y, j)` is the scalar product of two vectors with `terms` "
    "entries; `i` and `j` are the steps between them.",
}

ENGLISH = Words("en", SENTENCES)
