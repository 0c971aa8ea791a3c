//! `pipe kernels add`: an existing PTX file becomes an implementation, unchanged.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, Write as _},
    path::{Path, PathBuf},
};

use pipe_kernels::{
    Library, Op,
    adopt::{AdoptError, Adopted, Answers, Check, Question, Subject, adopt},
};

use super::expected;
use crate::{
    args::{AddArgs, adding},
    commands::shown,
    error::{CommandError, Exit},
    place::Place,
    ui::Ui,
};

pub(super) fn run(args: AddArgs, place: &Place, ui: &Ui) -> Result<Exit, CommandError> {
    let path = place.directory().join(&args.file);
    let ptx = fs::read_to_string(&path).map_err(|error| {
        CommandError::usage(format!("{}: {error}", args.file.display()))
            .with_hint("name a PTX file, which is text")
    })?;
    let library = place.work_tree_library()?;
    let mut request = Request { place, library: &library, data: BTreeMap::new(), said: BTreeMap::new() };
    let mut answers = request.answers(&args)?;
    let folder = place.root().join("kernels-ptx").join(&answers.name);
    if folder.exists() && !args.dry_run {
        return Err(CommandError::usage(format!("{} exists already", shown(&folder).display()))
            .with_hint("choose another --name, or remove the folder first"));
    }
    let file = args.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let adopted = loop {
        match adopt(&file, &ptx, &answers, &request.data) {
            Ok(adopted) => break adopted,
            Err(AdoptError::Open(questions)) if ui.can_ask() => {
                for question in &questions {
                    request.ask(question, &mut answers, ui)?;
                }
            }
            // A slip in one answer is no reason to type the others again.
            Err(AdoptError::Wrong(broken)) if !request.said.is_empty() => {
                ui.warn(format_args!("the answers make no manifest: {broken}"));
                ui.note("once more; an empty line keeps what was said");
                answers = request.answers(&args)?;
            }
            Err(error) => return Err(refusal(&file, error)),
        }
    };
    if args.dry_run {
        return print(&adopted, &answers.name, ui);
    }
    write(place, &folder, &path, &answers.name, &adopted, &request.data)?;
    let name = &answers.name;
    ui.note(format_args!("added {}", shown(&folder).display()));
    match adopted.benchmark_type {
        Some(_) => ui.hint(format!("`pipe kernels check {name}` looks for faults, `pipe bench {name}` checks and times it")),
        None => ui.hint(format!(
            "`pipe kernels check {name}` looks for faults, `pipe bench --implementation {name}` checks and times it"
        )),
    }
    Ok(Exit::Done)
}

/// What the flags and the user say.
struct Request<'a> {
    place: &'a Place,
    library: &'a Library,
    /// Files that go beside the manifest, by name.
    data: BTreeMap<String, Vec<u8>>,
    /// What was said on the terminal.
    said: BTreeMap<Subject, String>,
}

impl Request<'_> {
    fn answers(&mut self, args: &AddArgs) -> Result<Answers, CommandError> {
        let name = match &args.name {
            Some(name) => name.clone(),
            None => name_of(&args.file),
        };
        let mut answers = Answers {
            name,
            entry: args.entry.clone(),
            op: args.op.map(|choice| choice.0),
            dtypes: args.dtype.clone(),
            head_dims: args.head_dim.clone(),
            sizes: args.size.clone(),
            grid: args.grid.clone(),
            block: args.block.clone(),
            shared_bytes: args.shared_bytes.clone(),
            args: args.arg.iter().cloned().collect(),
            tensors: args.tensor.iter().cloned().collect(),
            check: Check::Nothing,
            bound: args.bound,
        };
        for tensor in answers.tensors.values_mut() {
            if let Some(content) = &tensor.content
                && content.ends_with(".npy")
            {
                tensor.content = Some(self.take(Path::new(content), None)?);
            }
        }
        for against in &args.check_against {
            self.check_against(against, &mut answers)?;
        }
        Ok(answers)
    }

    /// `--check-against`: an implementation, or a file for an output.
    fn check_against(&mut self, against: &str, answers: &mut Answers) -> Result<(), CommandError> {
        let (output, file) = against.split_once('=').unwrap_or(("", against));
        if file.ends_with(".npy") || file.ends_with(".parquet") {
            let name = self.take(Path::new(file), Some(output))?;
            let mut files = match std::mem::take(&mut answers.check) {
                Check::Files(files) => files,
                _ => BTreeMap::new(),
            };
            files.insert(output.to_owned(), name);
            answers.check = Check::Files(files);
            return Ok(());
        }
        let reference = self.library.implementation(against).map_err(|error| {
            CommandError::usage(error)
                .with_hint("--check-against takes an implementation, or a .npy or .parquet file")
        })?;
        match reference.op() {
            Op::Custom => answers.check = Check::Reference(against.to_owned()),
            op => answers.op = answers.op.or(Some(op)),
        }
        Ok(())
    }

    /// Reads a file that goes beside the manifest, and says under which name. A Parquet file becomes a `.npy` file: the
    /// column `output`, or the only one.
    fn take(&mut self, file: &Path, output: Option<&str>) -> Result<String, CommandError> {
        let path = self.place.directory().join(file);
        let wrong = |message: String| CommandError::usage(format!("{}: {message}", file.display()));
        let bytes = fs::read(&path).map_err(|error| wrong(error.to_string()))?;
        let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = format!("{stem}.npy");
        let bytes = if file.extension().is_some_and(|ending| ending == "parquet") {
            expected::from_parquet(bytes, output.unwrap_or_default()).map_err(wrong)?
        } else {
            pipe_bench::op::npy::read(&bytes).map_err(wrong)?;
            bytes
        };
        match self.data.insert(name.clone(), bytes.clone()) {
            Some(other) if other != bytes => {
                Err(wrong(format!("another file is called {name} too; rename one")))
            }
            _ => Ok(name),
        }
    }

    /// Asks on the terminal.
    fn ask(&mut self, question: &Question, answers: &mut Answers, ui: &Ui) -> Result<(), CommandError> {
        loop {
            let Question { what, example, .. } = question;
            let example = self.said.get(&question.subject).unwrap_or(example).clone();
            ui.ask(format_args!("{what} [{example}]: "))?;
            let mut line = String::new();
            if std::io::stdin().lock().read_line(&mut line)? == 0 {
                return Err(CommandError::interrupted("nothing was added"));
            }
            let line = line.trim();
            let answer = if line.is_empty() { example.as_str() } else { line };
            match self.record(&question.subject, answer, answers) {
                Ok(()) => {
                    self.said.insert(question.subject.clone(), answer.to_owned());
                    return Ok(());
                }
                Err(message) => ui.warn(message),
            }
        }
    }

    fn record(&mut self, subject: &Subject, answer: &str, answers: &mut Answers) -> Result<(), String> {
        let list = |answer: &str| answer.split(';').map(|part| part.trim().to_owned()).collect();
        let after =
            |answer: &str| answer.split_once('=').map_or(answer, |(_, value)| value).trim().to_owned();
        match subject {
            Subject::Entry => answers.entry = Some(answer.to_owned()),
            Subject::Size => answers.sizes.push(adding::size(answer)?),
            Subject::Grid => answers.grid = list(answer),
            Subject::Block => answers.block = list(answer),
            Subject::Arg(name) => drop(answers.args.insert(name.clone(), after(answer))),
            Subject::Tensor(name) => {
                let (_, tensor) = adding::tensor(&format!("{name}={}", after(answer)))?;
                answers.tensors.insert(name.clone(), tensor);
            }
            Subject::Check => self.check_against(answer, answers).map_err(|error| error.message())?,
            Subject::Dtype => {
                let dtypes =
                    answer.split(',').map(|name| name.trim().parse().map_err(|_| "give f32, f16 or bf16"));
                answers.dtypes = dtypes.collect::<Result<_, _>>()?;
            }
            Subject::HeadDim => {
                let head_dims = answer.split(',').map(|n| n.trim().parse().map_err(|_| "give whole numbers"));
                answers.head_dims = head_dims.collect::<Result<_, _>>()?;
            }
        }
        Ok(())
    }
}

/// The file's name as an implementation's: lower-case letters, digits and single hyphens.
fn name_of(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let words = stem.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}

/// The flag that answers a question.
fn flag(subject: &Subject) -> &'static str {
    match subject {
        Subject::Entry => "--entry",
        Subject::Size => "--size",
        Subject::Grid => "--grid",
        Subject::Block => "--block",
        Subject::Arg(_) => "--arg",
        Subject::Tensor(_) => "--tensor",
        Subject::Check => "--check-against",
        Subject::Dtype => "--dtype",
        Subject::HeadDim => "--head-dim",
    }
}

fn refusal(file: &str, error: AdoptError) -> CommandError {
    match error {
        AdoptError::Open(questions) => {
            let lines = questions.iter().map(|question| {
                let Question { subject, what, example } = question;
                let quote = if example.contains([' ', '(', '|']) { "'" } else { "" };
                format!("\n  {:<38} {what}", format!("{} {quote}{example}{quote}", flag(subject)))
            });
            CommandError::usage(format!("{file} does not tell everything; give{}", lines.collect::<String>()))
                .with_hint("on a terminal, `pipe kernels add` asks for each")
        }
        AdoptError::Unreadable(errors) => CommandError::usage(errors),
        AdoptError::Wrong(broken) => CommandError::usage(format!("the answers make no manifest: {broken}"))
            .with_hint("--dry-run shows it"),
        other => CommandError::usage(format!("{file}: {other}")),
    }
}

fn print(adopted: &Adopted, name: &str, ui: &Ui) -> Result<Exit, CommandError> {
    let mut out = ui.out();
    writeln!(out, "# kernels-ptx/{name}/kernel.toml\n{}", adopted.manifest)?;
    if let Some(benchmark_type) = &adopted.benchmark_type {
        writeln!(out, "# kernels-ptx/types/{name}.toml\n{benchmark_type}")?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// Writes the folder and then the type; the folder is moved into place whole.
fn write(
    place: &Place,
    folder: &Path,
    ptx: &Path,
    name: &str,
    adopted: &Adopted,
    data: &BTreeMap<String, Vec<u8>>,
) -> Result<(), CommandError> {
    let kernels = place.root().join("kernels-ptx");
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error: std::io::Error| CommandError::failed(format!("{}: {error}", path.display()))
    };
    fs::create_dir_all(&kernels).map_err(failed(&kernels))?;
    let benchmark_type: Option<(PathBuf, &String)> = adopted
        .benchmark_type
        .as_ref()
        .map(|text| (kernels.join("types").join(format!("{name}.toml")), text));
    if let Some((path, _)) = &benchmark_type
        && path.exists()
    {
        return Err(CommandError::usage(format!("{} exists already", path.display()))
            .with_hint("choose another --name, or remove the file first"));
    }
    let draft = tempfile::Builder::new().prefix(".adding-").tempdir_in(&kernels).map_err(failed(&kernels))?;
    let inside = |name: &str| draft.path().join(name);
    fs::copy(ptx, inside("kernel.ptx")).map_err(failed(ptx))?;
    fs::write(inside("kernel.toml"), &adopted.manifest).map_err(failed(draft.path()))?;
    for (name, content) in data {
        fs::write(inside(name), content).map_err(failed(draft.path()))?;
    }
    fs::rename(draft.path(), folder).map_err(failed(folder))?;
    // It has moved; there is nothing to clean up.
    let _ = draft.keep();
    if let Some((path, text)) = benchmark_type {
        if let Some(types) = path.parent() {
            fs::create_dir_all(types).map_err(failed(types))?;
        }
        fs::write(&path, text).map_err(failed(&path))?;
    }
    Ok(())
}
