//! Whole files: what a compiler made, what LLVM's back end looks like and what people write by hand.

use pipe_ptx::{
    ast::{Item, Module},
    parse,
};

/// Name and text of every fixture. `control`, `debug` and `hopper` are NVRTC's output; ptxas accepts all of them.
pub(crate) const FIXTURES: &[(&str, &str)] = &[
    ("control.ptx", include_str!("../fixtures/control.ptx")),
    ("debug.ptx", include_str!("../fixtures/debug.ptx")),
    ("handwritten.ptx", include_str!("../fixtures/handwritten.ptx")),
    ("hopper.ptx", include_str!("../fixtures/hopper.ptx")),
    ("llvm.ptx", include_str!("../fixtures/llvm.ptx")),
];

pub(crate) fn parsed(name: &str, source: &str) -> Module {
    match parse(source) {
        Ok(module) => module,
        Err(diagnostics) => panic!("{}", diagnostics.render(name, source)),
    }
}

/// The tree with every span blanked out.
pub(crate) fn without_spans(module: &Module) -> String {
    let debug = format!("{module:?}");
    let mut parts = debug.split("Span { ");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str("Span { ");
        text.push_str(part.split_once('}').map_or(part, |(_, rest)| rest));
    }
    text
}

#[track_caller]
pub(crate) fn assert_round_trip(name: &str, module: &Module) {
    let shown = module.to_string();
    let again = parsed(name, &shown);
    assert_eq!(without_spans(module), without_spans(&again), "{name} changes when it is shown:\n{shown}");
    assert_eq!(shown, again.to_string());
}

#[test]
fn every_fixture_is_read_and_shown_without_loss() {
    for (name, source) in FIXTURES {
        assert_round_trip(name, &parsed(name, source));
    }
}

#[test]
fn without_spans_keeps_everything_else() {
    let module = |text: &str| without_spans(&parsed("", &format!(".version 8.0 .target sm_80\n{text}")));
    assert_eq!(module(".global .u32 a;"), module("\n\n.global  .u32 a ;"));
    assert_ne!(module(".global .u32 a;"), module(".global .u32 b;"));
    assert_ne!(module(".global .u32 a = 1;"), module(".global .u32 a = 2;"));
}

#[test]
fn kernels_of_a_fixture_are_found_by_name() {
    let module = parsed("control.ptx", FIXTURES[0].1);
    let kernels: Vec<_> = module
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Function(function) if function.entry => Some(&*function.name.name),
            _ => None,
        })
        .collect();
    assert_eq!(kernels, ["saxpy", "indirect", "sw", "calls", "local_array", "shared", "warp"]);
}

#[test]
fn equal_names_share_their_text() {
    let module = parsed("", ".version 8.0 .target sm_80 .global .u32 a; .global .u64 b = a;");
    let [Item::Variable(a), Item::Variable(b)] = module.items.as_slice() else { panic!("two variables") };
    let Some(pipe_ptx::ast::Initializer::Address { symbol, .. }) = &b.initializer else {
        panic!("an address")
    };
    assert!(std::sync::Arc::ptr_eq(&a.name.name, &symbol.name));
}
