//! `pipe kernels check`: loads kernels, and runs them on small cases under the sanitizer.

use std::{collections::BTreeMap, io::Write as _};

use pipe_bench::{Runner, small_cases};
use pipe_driver::Sanitize;
use pipe_kernels::{Implementation, Library};
use pipe_simt::{Finding, Program};

use super::super::device;
use crate::{
    args::EmbeddedArgs,
    error::{CommandError, Exit},
    ui::Ui,
};

/// Checks the implementations named, all where none is; runs them where `runs` says on what.
pub(super) fn run(
    library: &Library,
    names: &[String],
    runs: Option<&EmbeddedArgs>,
    ui: &Ui,
) -> Result<Exit, CommandError> {
    let chosen: Vec<&Implementation> = if names.is_empty() {
        library.implementations().map(AsRef::as_ref).collect()
    } else {
        let chosen = names.iter().map(|name| library.implementation(name).map(AsRef::as_ref));
        chosen.collect::<Result<_, _>>().map_err(CommandError::usage)?
    };
    let mut runner = match runs {
        None => None,
        Some(embedded) => {
            device::select_embedded(embedded, Sanitize::Recorded)?;
            Some(Runner::new(device::open_embedded()?))
        }
    };
    let mut out = ui.out();
    let mut failures = 0;
    let longest = chosen.iter().map(|implementation| implementation.name().len()).max().unwrap_or(0);
    let width = longest + 2;
    for implementation in chosen {
        let name = implementation.name();
        let entries = match entries(implementation) {
            Ok(entries) => entries,
            Err(complaint) => {
                failures += 1;
                writeln!(out, "{name:<width$}does not load\n{complaint}")?;
                continue;
            }
        };
        let Some(runner) = &mut runner else {
            writeln!(out, "{name:<width$}ok, {entries} entries")?;
            continue;
        };
        let cases = small_cases(library, implementation);
        let faults = faults(runner, implementation, &cases);
        failures += faults.len();
        match (faults.len(), cases.len()) {
            (_, 0) => {
                writeln!(out, "{name:<width$}ok, {entries} entries; not run: no benchmark type measures it")?
            }
            (0, cases) => writeln!(out, "{name:<width$}ok, {entries} entries, {cases} cases")?,
            (faults, _) => writeln!(out, "{name:<width$}{faults} faults")?,
        }
        for fault in faults {
            writeln!(out, "  {fault}")?;
        }
        out.flush()?;
    }
    if names.is_empty() {
        for broken in library.broken() {
            failures += 1;
            writeln!(out, "{:<width$}cannot be used\n{broken}", broken.name)?;
        }
    }
    out.flush()?;
    Ok(if failures == 0 { Exit::Done } else { Exit::KernelFailed })
}

/// How many entries the implementation's files hold; or what keeps one from loading, or two entries of one name apart.
fn entries(implementation: &Implementation) -> Result<usize, String> {
    let mut files: BTreeMap<String, &str> = BTreeMap::new();
    for source in implementation.sources() {
        let program = Program::load(source.ptx())
            .map_err(|error| error.diagnostics.render(source.file(), source.ptx()).to_string())?;
        for kernel in program.kernels() {
            if let Some(other) = files.insert(kernel.name().to_owned(), source.file()) {
                let (name, file) = (kernel.name(), source.file());
                return Err(format!(
                    "{file}: entry `{name}` is in {other}, too; rename it or take one file out of `sources`"
                ));
            }
        }
    }
    Ok(files.len())
}

/// What is wrong with an implementation on some cases, each fault once.
fn faults(runner: &mut Runner, implementation: &Implementation, cases: &[pipe_model::Case]) -> Vec<String> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut others = Vec::new();
    for case in cases {
        let (found, outcome) = runner.sanitize(implementation, case);
        // A trap is a finding already.
        let told = !found.is_empty();
        found.into_iter().for_each(|finding| finding.merge_into(&mut findings));
        if let Err(failure) = outcome
            && !told
        {
            others.push(format!("{}: {}: {}", case.config(), failure.status, failure.message));
        }
    }
    let findings = findings.iter().map(|finding| match finding.line {
        0 => finding.to_string(),
        line => format!("{}:{line}: {finding}", implementation.source_of(&finding.kernel).file()),
    });
    findings.chain(others).collect()
}
