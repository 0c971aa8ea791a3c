//! Every operation of the op table, and every form of its spelling, has a test file that runs it.

use std::{collections::HashSet, fs, path::PathBuf};

use pipe_ptx::ast::{Item, Statement};

use super::{ALL, Code, ROWS};
use crate::{Program, decode::video};

/// All that the tested kernels of `tests/ptx` run: codes, and instructions as they are spelled.
fn tested() -> (HashSet<Code>, HashSet<String>) {
    let (mut codes, mut spellings) = (HashSet::new(), HashSet::new());
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/ptx");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "ptx") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let runs: HashSet<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("// run: "))
            .map(|run| run.split(['(', '<']).next().unwrap_or_default())
            .collect();
        let program = Program::load(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let is_tested = |kernel: &&crate::Kernel| runs.contains(kernel.name());
        codes.extend(program.kernels().filter(is_tested).flat_map(|kernel| &kernel.code).map(|i| i.code));
        for item in pipe_ptx::parse(&text).unwrap().items {
            let Item::Function(function) = item else { continue };
            if runs.contains(&*function.name.name) {
                spell(function.body.as_deref().unwrap_or_default(), &mut spellings);
            }
        }
    }
    (codes, spellings)
}

fn spell(statements: &[Statement], spellings: &mut HashSet<String>) {
    for statement in statements {
        match statement {
            Statement::Block(inner) => spell(inner, spellings),
            Statement::Instruction(instruction) => {
                let mut text = instruction.opcode.name.to_string();
                for modifier in &instruction.modifiers {
                    text = format!("{text}.{}", modifier.name);
                }
                spellings.insert(text);
            }
            _ => {}
        }
    }
}

/// Every way to write a row.
fn forms(spelling: &str) -> Vec<String> {
    let mut forms = vec![String::new()];
    for pattern in spelling.split('.') {
        let (choices, optional) = match pattern.strip_suffix('?') {
            Some(choices) => (choices, true),
            None => (pattern, false),
        };
        let mut longer = if optional { forms.clone() } else { Vec::new() };
        for form in &forms {
            longer.extend(choices.split('|').map(|choice| format!("{form}.{choice}")));
        }
        forms = longer;
    }
    forms.iter().map(|form| form.trim_start_matches('.').to_owned()).collect()
}

#[test]
fn every_operation_has_a_test_file() {
    let (codes, spellings) = tested();
    let without: Vec<String> =
        ALL.iter().filter(|code| !codes.contains(code)).map(|code| format!("{code:?}")).collect();
    assert!(without.is_empty(), "no `// run:` in tests/ptx for {}", without.join(", "));
    let mut missing: Vec<String> = ROWS
        .iter()
        // A blank marks what decode itself uses, under the name of another instruction.
        .filter(|row| !row.spelling.contains(' '))
        .flat_map(|row| forms(row.spelling))
        .filter(|form| !spellings.contains(form))
        .collect();
    missing.sort();
    assert!(missing.is_empty(), "no `// run:` in tests/ptx for the forms {}", missing.join(", "));
}

/// What a form has at each place of a spelling that it fits.
fn choices<'f>(spelling: &str, form: &'f str) -> Option<Vec<Option<&'f str>>> {
    let mut given = form.split('.').peekable();
    let mut found = Vec::new();
    for pattern in spelling.split('.') {
        let choices = pattern.trim_end_matches('?');
        let choice = given.next_if(|given| choices.split('|').any(|choice| choice == *given));
        if choice.is_none() && !pattern.ends_with('?') {
            return None;
        }
        found.push(choice);
    }
    given.next().is_none().then_some(found)
}

/// They have more forms than is worth a test each: every choice of every opcode has one.
#[test]
fn every_choice_of_the_video_instructions_has_a_test_file() {
    let (_, spellings) = tested();
    let mut missing = Vec::new();
    for spelling in video::SPELLINGS {
        let tested: HashSet<_> = spellings.iter().filter_map(|form| choices(spelling, form)).collect();
        for form in forms(spelling) {
            let wanted = choices(spelling, &form).unwrap();
            for place in 1..wanted.len() {
                if !tested.iter().any(|have| have[0] == wanted[0] && have[place] == wanted[place]) {
                    missing.push(format!("{form} at place {place}"));
                }
            }
        }
    }
    assert!(missing.is_empty(), "no `// run:` in tests/ptx for {}", missing.join(", "));
}

#[test]
fn forms_of_a_spelling_are_all_its_choices_and_options() {
    assert_eq!(forms("add|sub.rn?.f32"), ["add.f32", "sub.f32", "add.rn.f32", "sub.rn.f32"]);
}
