"""中文: Chinese, in simplified characters.

The terms are those of Qiu Xipeng, "Neural Networks and Deep Learning" (2020), and of the Chinese
translations of Nielsen's and of Goodfellow's books.
"""

from symbp.derivations.languages.words import Words

__all__ = ["CHINESE"]

SENTENCES = {
    # Joining
    "list.comma": "、",
    "list.and": "和 ",
    "list.clause": "，",
    "colon": "：",
    "full stop": "。",
    "gap": "",
    # Steps of a derivation
    "step.definition": "记",
    "step.rewriting": "于是 softmax 的对数为",
    "step.equation.one": "{name} 出现在下式中",
    "step.equation.many": "{name} 出现在以下各式中",
    "step.chain": "由链式法则，沿从 {name} 到 {cost} 的每条路径",
    "step.chain.delta": "由链式法则，将 {partial} 记作 {delta}",
    "step.local.one": "其中，对 {name} 求导得",
    "step.local.many": "其中，分别对 {name} 求导得",
    "step.substitution": "代入得",
    "step.likewise": "同理",
    "step.inline.equation": "{said}：{shown}。",
    "step.inline.local derivative": "{said} {shown}。",
    "step.statement": "{name} 的一般形式",
    "step.zero": "{name} 与 {cost} 之间的导数全为零",
    "step.named": "此即 {name}",
    "step.result": "于是",
    "step.put in": "代入 {known}",
    "fact.written out": "写出 {of}",
    "fact.sums to one": "因为 {of} 各分量之和为 1",
    "fact.in terms of": "用 {of} 表示",
    "fact.simplified": "化简",
    "steps.index form": "推导步骤采用下标形式：每一步对所有元素同时成立。",
    "statement.none": "没有适用的层",
    # A sheet
    "sheet.definition": "定义",
    "sheet.example": "单个样本；对 {batch} 个样本取平均",
    # Sections of a report
    "report.title": "神经网络反向传播的推导",
    "report.contents": "目录",
    "section.network": "网络",
    "section.forward": "前向方程",
    "section.fundamental": "四个基本方程",
    "section.gradient": "梯度",
    "section.entries": "梯度的每个分量",
    "section.steps": "逐步推导",
    "section.drawings": "图",
    "section.operations": "运算量",
    "section.functions": "函数",
    "heading.others": "其他导数",
    "heading.derivation": "{what} 的推导",
    "heading.paths": "写成对路径的求和",
    "heading.sizes": "用各层大小表示的运算量",
    "what.BP1": "输出层的误差",
    "what.BP2": "由后一层的误差求前一层的误差",
    "what.BP3": "关于偏置的梯度",
    "what.BP4": "关于权重的梯度",
    "what.title": "{name}：{what}",
    # What a report says
    "network.equations.one": "1 个等式",
    "network.equations.many": "{count} 个等式",
    "network.inputs.one": "1 个输入",
    "network.inputs.many": "{count} 个输入",
    "network.targets.one": "1 个目标",
    "network.targets.many": "{count} 个目标",
    "network.parameters.one": "1 个参数张量",
    "network.parameters.many": "{count} 个参数张量",
    "network.cost": "该程序有 {parts}。要求的是代价函数的梯度。",
    "network.of": "该程序有 {parts}。要求的是 {name} 的导数。",
    "forward.mean": "以下等式针对单个样本。代价和梯度是一批 {batch} 个样本的平均值，{mean}。",
    "too many": "全部写出将有 {count} 个等式，超过 {most} 个。因此这里采用下标形式。",
    "run time": "有的大小在运行时才知道，无法写出每个元素。因此这里采用下标形式。",
    "places": "下标从 0 开始，例如 {shown}。",
    "backward.definition": "由定义，{shown}。",
    "backward.outside": "最后一步之后没有别的项：",
    "entries.too many": "梯度有 {count} 个分量；不超过 {most} 个时才逐个写出。"
    "可以单独查询某一个：`derivation.entry(…)`。",
    "entries.each": "每个分量都用前向传播中的符号写出，不用任何缩写。",
    "entries.paths": "每个参数的第一个分量：从代价到它的每条路径对应一个乘积。",
    "entries.too long": "`{name}`：公式太长，无法写出。",
    "entry.left out": "此处从略：展开后的公式会超过 {most} 个符号。",
    "paths.left out": "对 {count} 条路径求和，超过上限 {most}：不予写出",
    "functions.derivatives": "它们的导数：",
    "functions.only derivatives": "导数：",
    "rule.kink": "在不可导点处约定 {values}",
    "symbols.symbol": "符号",
    "symbols.python": "Python 中的名称",
    "symbols.role": "角色",
    "symbols.shape": "形状",
    "role.input": "输入",
    "role.target": "目标",
    "role.parameter": "参数",
    "role.constant": "常数",
    "role.state": "状态",
    "role.noise": "噪声",
    "role.computed": "计算所得",
    "role.cost": "代价",
    "cases.if": "若",
    "cases.otherwise": "否则",
    "cases.else": "否则",
    "path.direct": "直接",
    "trace.terms": "{count} 项之和",
    # Drawings
    "picture.layers": "网络，从输入到代价。",
    "picture.reverse": "把反向传播看作一个从右到左的网络：函数的导数放大经过它的信号。",
    "graph.layers": "网络图：神经元和边上的权重",
    "graph.layers.batch": "网络图，{batch} = {count} 个样本",
    "graph.reverse": "反向网络：从右到左的反向传播",
    "graph.reverse.batch": "反向网络，{batch} = {count} 个样本",
    # Numbers of operations
    "count.multiplications": "乘法",
    "count.additions": "加法",
    "count.calls": "函数求值",
    "count.all": "合计",
    "count.ratio": "相对前向传播的倍数",
    "method.forward pass": "前向传播",
    "method.reverse mode": "反向模式",
    "method.forward mode": "前向模式",
    "method.path enumeration": "枚举路径",
    "count.example": "（单个样本）",
    "count.paths": "；从代价到它们有 {paths} 条路径",
    "count.caption": "计算关于 {count} 个参数的梯度所需的运算{example}{paths}。",
    "count.with": "其中 {sizes}",
    "count.size.2": "{parts[0]}（{parts[1]}）",
    "count.size.3": "{parts[0]}（{parts[2]} 的 {parts[1]}）",
    "count.remark": "{method}：{remark}。",
    "count.method": "{method}：",
    "count.terms": "含 {count} 项的公式",
    # Beside code
    "code.none": "没有生成代码：{reason}。",
    "code.module": "`bp.generate(network, 'network.py')` 所写模块中计算梯度的函数，附行号。",
    "code.loops": "用循环写出的梯度函数。`bp.generate(network, 'network.py')` 所写的模块内容相同，"
    "但只保留对样本的循环：网络很小，每个元素各占一行。",
    "code.batch": "它计算整批样本：{index} 是 {size} 个样本的编号。",
    "code.example": "旁边的推导等式针对单个样本。",
    "code.signs": "若一个量在代码的多处累加，{starts} 表示开始，{adds} 表示加上一项；"
    "带 $=$ 的等式是完整的。",
    "code.adjoints": "以 `_adjoint` 结尾的名称是代价对其前面的量的导数：{examples}。",
    "code.meaning": "`{name}` 是 {symbol}",
    "code.introduced": "推导步骤中引入的量：{examples}。",
    "code.shared": "以 `shared` 开头的名称是多个等式共用的表达式。",
    "code.operands": "`…_operand` 和 `…_contracted` 是矩阵乘法的操作数和结果。",
    "code.logsumexp": "`logsumexp` 是指数之和的对数；先提出最大的自变量，以免溢出。",
    "code.before": "自变量，参数和梯度的视图，以及计算所用的内存。",
    "code.aliases": "以 `# its memory` 结尾的行使一个量使用另一个量的内存，写入时后者已不再读取。",
    "code.after": "返回代价；梯度在其缓冲区中。",
    "code.derivation": "对应的推导：",
    "code.derivation.mean": "对应的推导，针对单个样本。从这里起，代码中的该导数以及由它得到的导数"
    "都含有平均值的因子 {factor}：",
    "routine.multiplies": "`{name}(s, t, rows, columns, terms, alpha, A, p, B, q, beta, D, r)` "
    r"是矩阵乘法：$D \leftarrow \alpha A B + \beta D$，其中 `D` 有 `rows` 行 `columns` 列，"
    "乘积的每个元素是 `terms` 项之和；`s` 和 `t` 表示 `A` 和 `B` 是否先转置，"
    "`p`、`q` 和 `r` 是内存中每行的长度。",
    "routine.tiled": "`one` 的行长为 0 时是全 1 的行：此时对 `B` 的列求和。",
    "routine.gemv": "`gemv(t, rows, columns, alpha, A, p, x, i, beta, y, j)` 是矩阵与向量的乘法："
    r"$y \leftarrow \alpha A x + \beta y$，其中 `A` 有 `rows` 行 `columns` 列；"
    "`t` 表示它是否先转置，`p` 是内存中每行的长度，`i` 和 `j` 是向量元素的间隔。",
    "routine.added": "`added(s, t)` 是 $s + t$；求和的各项可以按任意次序相加。",
    "routine.ger": "`ger(rows, columns, alpha, x, i, y, j, A, p)` 加上一个外积："
    r"$A \mathrel{{+}}= \alpha x y^T$，其中 `A` 有 `rows` 行 `columns` 列；"
    "`i` 和 `j` 是向量元素的间隔，`p` 是内存中每行的长度。",
    "routine.dot": "`dot(terms, x, i, y, j)` 是两个 `terms` 维向量的内积；"
    "`i` 和 `j` 是元素的间隔。",
}

# What comes in English from below: conventions of functions, and titles of further sections.
NOTES = {
    "The code that computes it": "相应的代码",
    "the derivative of a maximum is shared equally among ties": "最大值并列时，导数在各项间平分",
    "{} prints as its name, as {} has the symbol": "{} 用其名称表示，因为该符号已用于 {}",
    "by convention, the derivative of a norm is 0 where the norm is 0":
        "约定：范数为 0 时其导数为 0",
    "by convention, the derivative of a root of a sum of powers is 0 where it is 0":
        "约定：幂和的方根为 0 时其导数为 0",
    "by convention, the derivative of a power by its base is 0 at exponent 0":
        "约定：指数为 0 时，幂对底数的导数为 0",
    "by convention, the derivative of a power by its exponent is 0 at base 0, unless the exponent "
    "is negative": "约定：底数为 0 且指数不为负时，幂对指数的导数为 0",
    "by convention, an exact 0 times a derivative that is not finite is 0":
        "约定：精确的 0 与非有限的导数之积为 0",
    "by convention, x log(y) and its derivatives are 0 at x = 0, also where y = 0":
        "约定：x = 0 时 x log(y) 及其导数为 0，y = 0 时亦然",
    "by convention, x log(1 + y) and its derivatives are 0 at x = 0, also where y = -1":
        "约定：x = 0 时 x log(1 + y) 及其导数为 0，y = -1 时亦然",
    "by convention, {}: the gradient is shared equally among ties":
        "约定：{}：并列时梯度在各项间平分",
    "by convention, {}: derivatives 0 at the origin": "约定：{}：原点处导数为 0",
    "by convention, {}: halves to the even number; derivative 0":
        "约定：{}：半整数取偶；导数为 0",
    "by convention, {}: the sign of b; the derivative by a is 1, that by b is -floor(a/b)":
        "约定：{}：符号与 b 相同；对 a 的导数为 1，对 b 的导数为 -floor(a/b)",
    "by convention, {}: derivative by x 0": "约定：{}：对 x 的导数为 0",
    "by convention, {}: derivative {} at {}": "约定：{0}：在 {2} 处导数为 {1}",
    "by convention, {}: derivative {}": "约定：{}：导数为 {}",
    "not counted: which step of the recurrence is read is not known beforehand":
        "未计：事先不知道读取递归的哪一步",
    "no closed formula: recurrence": "没有封闭公式：递归",
    "no formula: a polynomial of over {} terms": "没有公式：多于 {} 项的多项式",
}  # fmt: skip

CHINESE = Words(
    "zh",
    SENTENCES,
    NOTES,
    preamble="\\usepackage[fontset=fandol]{ctex}\n",
    letters="[\u2014\u2018-\u201d\u2026\u3001-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff01-\uff5e]",
)
