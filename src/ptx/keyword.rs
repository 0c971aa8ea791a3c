//! How PTX spells the closed sets of the syntax tree: state spaces, types and linkage.

use crate::ast::{Linkage, Space, Type};

/// Defines `keyword` (variant to spelling) and `from_keyword` (spelling to variant) from one table.
macro_rules! keywords {
    ($type:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        impl $type {
            /// As PTX spells it, with the dot.
            pub const fn keyword(self) -> &'static str {
                match self { $($type::$variant => $text),* }
            }

            /// From its spelling, with the dot.
            pub fn from_keyword(text: &str) -> Option<Self> {
                match text { $($text => Some($type::$variant),)* _ => None }
            }

            /// Every spelling, with the dot.
            pub const KEYWORDS: &[&str] = &[$($text),*];
        }
    };
}

keywords! {
    Linkage {
        Extern = ".extern",
        Visible = ".visible",
        Weak = ".weak",
        Common = ".common",
    }
}

keywords! {
    Space {
        Register = ".reg",
        Const = ".const",
        Global = ".global",
        Local = ".local",
        Param = ".param",
        Shared = ".shared",
    }
}

keywords! {
    Type {
        B8 = ".b8",
        B16 = ".b16",
        B32 = ".b32",
        B64 = ".b64",
        B128 = ".b128",
        U8 = ".u8",
        U16 = ".u16",
        U32 = ".u32",
        U64 = ".u64",
        S8 = ".s8",
        S16 = ".s16",
        S32 = ".s32",
        S64 = ".s64",
        F16 = ".f16",
        F16x2 = ".f16x2",
        F32 = ".f32",
        F64 = ".f64",
        Bf16 = ".bf16",
        Bf16x2 = ".bf16x2",
        Pred = ".pred",
        Texref = ".texref",
        Samplerref = ".samplerref",
        Surfref = ".surfref",
    }
}

impl Type {
    /// Bytes of one value in memory; 1 for a predicate, which cannot be stored, and 8 for the opaque references.
    pub const fn size(self) -> u64 {
        match self {
            Type::B8 | Type::U8 | Type::S8 | Type::Pred => 1,
            Type::B16 | Type::U16 | Type::S16 | Type::F16 | Type::Bf16 => 2,
            Type::B32 | Type::U32 | Type::S32 | Type::F32 | Type::F16x2 | Type::Bf16x2 => 4,
            Type::B64 | Type::U64 | Type::S64 | Type::F64 => 8,
            Type::Texref | Type::Samplerref | Type::Surfref => 8,
            Type::B128 => 16,
        }
    }
}
