//! The syntax tree of a PTX module: what the text says, with spans, before any instruction is given a meaning.
//!
//! Instructions are generic, `@p opcode.mod.mod operands;`: the executor decides what an opcode with its modifiers
//! means. Names are as written, including a leading `%`.

use std::sync::Arc;

/// A half-open range of byte offsets into the source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ident {
    /// As written.
    pub name: Arc<str>,
    /// Where.
    pub span: Span,
}

/// A parsed `.ptx` file.
#[derive(Debug, Clone, PartialEq)]
pub struct Module {
    /// `.version major.minor`
    pub version: (u32, u32),
    /// `.target`, the architecture first: `sm_90a`, then options such as `texmode_independent`.
    pub target: Vec<Ident>,
    /// `.address_size`: 32 or 64.
    pub address_size: u32,
    /// Everything else, in order.
    pub items: Vec<Item>,
}

/// A declaration or definition at module scope.
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A `.global`, `.const` or `.shared` variable.
    Variable(Variable),
    /// An `.entry` or a `.func`, defined or declared.
    Function(Function),
    /// `.file`, `.section`, `.pragma`, `.alias` … : kept for display, without effect on execution.
    Directive(Directive),
}

/// Linking directive of a variable or function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Linkage {
    /// `.extern`
    Extern,
    /// `.visible`
    Visible,
    /// `.weak`
    Weak,
    /// `.common`
    Common,
}

/// A state space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Space {
    /// `.reg`
    Register,
    /// `.const`
    Const,
    /// `.global`
    Global,
    /// `.local`
    Local,
    /// `.param`
    Param,
    /// `.shared`
    Shared,
}

/// A fundamental type. Packed and alternate formats appear only as instruction modifiers, except the ones below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the variants are PTX's own type names")]
pub enum Type {
    B8,
    B16,
    B32,
    B64,
    B128,
    U8,
    U16,
    U32,
    U64,
    S8,
    S16,
    S32,
    S64,
    F16,
    F16x2,
    F32,
    F64,
    Bf16,
    Bf16x2,
    Pred,
    Texref,
    Samplerref,
    Surfref,
}

/// A declared variable or parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// `.extern`, `.visible` …
    pub linkage: Option<Linkage>,
    /// Where it lives.
    pub space: Space,
    /// `.align`, in bytes, where given.
    pub align: Option<u32>,
    /// `.v2` or `.v4`, else 1.
    pub vector: u8,
    /// Element type.
    pub ty: Type,
    /// Name.
    pub name: Ident,
    /// Array dimensions, outermost first; `None` for `[]`. Empty for a scalar.
    pub dimensions: Vec<Option<u64>>,
    /// `= …`
    pub initializer: Option<Initializer>,
    /// `.ptr` attributes of an entry's parameter.
    pub pointer: Option<Pointer>,
    /// What `.attribute(…)` lists: `.managed`, `.unified(19,95)`.
    pub attributes: Vec<Arc<str>>,
    /// The whole declaration.
    pub span: Span,
}

/// `.ptr .global .align 16` on a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pointer {
    /// The space pointed into; `None` is generic.
    pub space: Option<Space>,
    /// Alignment promised, in bytes; 4 where not given.
    pub align: u32,
}

/// The initial value of a variable.
#[derive(Debug, Clone, PartialEq)]
pub enum Initializer {
    /// A number.
    Literal(Literal),
    /// The address of a symbol plus a byte offset; `generic(symbol)` where `generic`.
    Address {
        /// Variable or function.
        symbol: Ident,
        /// Bytes added.
        offset: i64,
        /// Whether the generic address is meant rather than the one in the symbol's own space.
        generic: bool,
        /// `mask(symbol)`: only these bits of the address, shifted down to bit 0. `None`: the whole address.
        mask: Option<u64>,
    },
    /// `{ … }`, nested for more than one dimension; elements left out are zero.
    List(Vec<Initializer>),
}

/// A number as written. Constant expressions are already evaluated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Literal {
    /// An integer constant in 64 bits, two's complement; `unsigned` as PTX's constant rules have it.
    Integer {
        /// The bits.
        bits: u64,
        /// `U` suffix, or too large for `.s64`.
        unsigned: bool,
    },
    /// `0f…`, a binary32 by its bits.
    F32(u32),
    /// `0d…` or a decimal floating-point constant, a binary64 by its bits.
    F64(u64),
}

/// An `.entry` or `.func`.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Whether it is an `.entry`, that is, a kernel.
    pub entry: bool,
    /// `.extern`, `.visible` …
    pub linkage: Option<Linkage>,
    /// Name.
    pub name: Ident,
    /// Return parameters of a `.func`, in `.param` or `.reg` space.
    pub returns: Vec<Variable>,
    /// Parameters.
    pub params: Vec<Variable>,
    /// `.maxntid 256, 1, 1`, `.reqntid`, `.minnctapersm`, `.noreturn` …
    pub directives: Vec<Directive>,
    /// `None` for a declaration.
    pub body: Option<Vec<Statement>>,
    /// From the first directive to the end of the header.
    pub span: Span,
}

/// A directive that is kept by name with its arguments as text, `.maxntid` with `["256", "1", "1"]` for instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// With its dot.
    pub name: Ident,
    /// Arguments as written, without commas. A `.section`'s braces and their content are one argument.
    pub arguments: Vec<Arc<str>>,
}

/// What a function's body is made of.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// `name:`
    Label(Ident),
    /// An instruction.
    Instruction(Instruction),
    /// `.reg` declarations, one for each name; `.reg .b32 %r<9>` is one with a count.
    Registers(RegisterDeclaration),
    /// A `.local`, `.shared`, `.global`, `.const` or `.param` variable declared in the body.
    Variable(Variable),
    /// `{ … }`, a scope.
    Block(Vec<Statement>),
    /// `label: .branchtargets a, b;`
    BranchTargets {
        /// The name that `brx.idx` uses.
        name: Ident,
        /// Labels.
        targets: Vec<Ident>,
    },
    /// `label: .calltargets f, g;`
    CallTargets {
        /// The name that `call` uses.
        name: Ident,
        /// Functions.
        targets: Vec<Ident>,
    },
    /// `label: .callprototype (ret) _ (params);`
    CallPrototype {
        /// The name that `call` uses.
        name: Ident,
        /// Return parameters.
        returns: Vec<Variable>,
        /// Parameters.
        params: Vec<Variable>,
        /// `.noreturn`, `.abi_preserve 4`.
        directives: Vec<Directive>,
    },
    /// `.pragma`, `.loc` … : without effect on execution.
    Directive(Directive),
}

/// `.reg .pred %p<8>, q;` is two of these.
#[derive(Debug, Clone, PartialEq)]
pub struct RegisterDeclaration {
    /// `.v2` or `.v4`, else 1.
    pub vector: u8,
    /// Type.
    pub ty: Type,
    /// Name, or the prefix of a parameterised range.
    pub name: Ident,
    /// `Some(n)` declares `name0` to `name(n-1)`.
    pub count: Option<u32>,
}

/// `@p opcode.modifier.modifier operand, operand;`
#[derive(Debug, Clone, PartialEq)]
pub struct Instruction {
    /// `@p` or `@!p`.
    pub guard: Option<Guard>,
    /// The part before the first dot: `ld`, `setp`, `mma`.
    pub opcode: Ident,
    /// The parts after, without dots, in order: `global`, `v4`, `f32`; `L2::128B` is one.
    pub modifiers: Vec<Ident>,
    /// Operands.
    pub operands: Vec<Operand>,
    /// From the guard to the semicolon.
    pub span: Span,
}

/// The predicate that guards an instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guard {
    /// Predicate register.
    pub predicate: Ident,
    /// `@!p`
    pub negated: bool,
}

/// An operand.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A register, special register (`%tid.x` is one name), variable, function or label; `_` is the sink.
    Name(Ident),
    /// `!p`
    Not(Ident),
    /// `-%r1`, as `vmad` negates registers.
    Negated(Ident),
    /// A constant.
    Literal(Literal, Span),
    /// `symbol+4`, an address taken with an offset in bytes. The `array[2]` of a `mov` is one, multiplied out by the
    /// element size; anywhere else it is the [`Address`](Operand::Address) `[array+8]`. Of a register, `%r1+4`, its value plus a constant.
    Offset {
        /// Variable or register.
        symbol: Ident,
        /// Added.
        offset: i64,
    },
    /// `array[%r1+2]`, a memory operand: element `index + offset` of the array.
    Element {
        /// Variable.
        symbol: Ident,
        /// Register.
        index: Ident,
        /// Elements, not bytes, added to the index.
        offset: i64,
        /// Bytes of an element.
        scale: u64,
    },
    /// `[base+offset]`
    Address(Address),
    /// `{a, b, c, d}`
    Vector(Vec<Operand>, Span),
    /// `d|p`: a result and a predicate result, or the two predicate results of `setp`.
    Pair(Box<Operand>, Box<Operand>),
    /// `(a, b)`: the arguments or results of a `call`.
    List(Vec<Operand>, Span),
}

/// A memory operand.
#[derive(Debug, Clone, PartialEq)]
pub struct Address {
    /// Register or variable; `None` for an absolute address.
    pub base: Option<Ident>,
    /// Bytes added, or the absolute address.
    pub offset: i64,
    /// Further coordinates, as texture and tensor instructions have: `[tex, {x, y}]`.
    pub coordinates: Vec<Operand>,
    /// `[base].unified`, the pinned-descriptor form of `ld`.
    pub unified: bool,
    /// The brackets.
    pub span: Span,
}
