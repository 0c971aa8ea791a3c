//! The table of `kernels-ptx/README.md` is what `pipe report kernels` says, as far as no assembler is needed.

use std::{collections::BTreeMap, fs, path::Path};

use crate::repository::{Repository, stdout};

type Row = BTreeMap<String, String>;

/// The rows of every markdown table of a text, by heading.
fn tables(text: &str) -> Vec<Vec<Row>> {
    let cells = |line: &str| -> Vec<String> {
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    let mut tables = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if !line.starts_with('|') {
            continue;
        }
        let headings = cells(line);
        lines.next();
        let mut rows = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with('|')) {
            rows.push(headings.iter().cloned().zip(cells(line)).collect());
        }
        tables.push(rows);
    }
    tables
}

#[test]
fn the_table_of_the_kernels_is_what_is_counted() {
    let repository = Repository::new();
    for gpu in ["a100", "h100"] {
        let bench =
            ["bench", "tensor-cores", "--profile", "quick", "--device", "embedded", "--gpu", gpu, "--quiet"];
        repository.pipe(&bench).success();
    }
    let counted = tables(&stdout(&repository.pipe(&["report", "kernels", "-o", "-"]).success()));

    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../kernels-ptx/README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let (_, written) = readme.split_once("<!-- begin: pipe report kernels -->").unwrap();
    let mut written = tables(written.split_once("<!-- end -->").unwrap().0);
    for row in written.iter_mut().flatten() {
        row.retain(|heading, _| !heading.starts_with("registers ") && !heading.starts_with("spilled "));
    }
    assert_eq!(counted.iter().map(Vec::len).collect::<Vec<_>>(), [4, 8]);
    assert_eq!(written, counted, "scripts/kernels-table writes the table anew");
}
