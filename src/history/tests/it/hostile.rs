//! Files that are damaged, or mean harm: always an error that names the file, never a panic.

use std::{fs, path::Path};

use pipe_history::{History, ReadError, check, read_run};

use crate::samples::{commit, run};

fn corrupt(path: &Path, bytes: &[u8], what: &str) {
    fs::write(path, bytes).unwrap();
    let error = check(path).expect_err(what);
    assert!(matches!(error, ReadError::Corrupt { .. }), "{what}: {error}");
    assert!(error.to_string().contains(path.to_str().unwrap()), "{what}: {error}");
    read_run(path).expect_err(what);
}

/// A small generator of numbers, the same on every run (Marsaglia's xorshift).
fn numbers(mut state: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    }
}

#[test]
fn what_is_not_parquet_is_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    corrupt(&path, b"", "empty");
    corrupt(&path, b"PAR1", "only the magic");
    corrupt(&path, b"PAR1\0\0\0\0PAR1", "an empty footer");
    corrupt(&path, b"commit,type\n1,2\n", "text");
    corrupt(&path, &[0; 4096], "zeros");
    let mut huge = b"PAR1".to_vec();
    huge.extend([0x55; 64]);
    huge.extend(0x7fff_fff0_u32.to_le_bytes());
    huge.extend(b"PAR1");
    corrupt(&path, &huge, "a footer larger than the file");
}

#[test]
fn what_is_not_a_file_is_said_and_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let error = check(folder.path()).unwrap_err().to_string();
    assert!(error.contains("not a regular file"), "{error}");
    let error = check(&folder.path().join("none")).unwrap_err();
    assert!(matches!(error, ReadError::Io { .. }), "{error}");
    #[cfg(unix)]
    {
        let pipe = folder.path().join("pipe.parquet");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let error = check(&pipe).unwrap_err().to_string();
        assert!(error.contains("not a regular file"), "{error}");
    }
}

#[test]
fn a_truncated_file_is_corrupt_wherever_it_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = History::at(folder.path()).write(&run(commit('a'), "x")).unwrap();
    let whole = fs::read(&path).unwrap();
    for end in (0..whole.len()).step_by(37).chain([whole.len() - 1]) {
        corrupt(&path, &whole[..end], &format!("cut at {end} of {}", whole.len()));
    }
}

#[test]
fn no_damage_panics() {
    let folder = tempfile::tempdir().unwrap();
    let path = History::at(folder.path()).write(&run(commit('a'), "x")).unwrap();
    let whole = fs::read(&path).unwrap();
    let mut below = numbers(0x9e37_79b9_7f4a_7c15);
    for _ in 0..1000 {
        let mut bytes = whole.clone();
        for _ in 0..=below(3) {
            // Half of the damage into the footer, where the structure is.
            let at =
                if below(2) == 0 { below(bytes.len()) } else { bytes.len() - 1 - below(bytes.len() / 3) };
            bytes[at] = below(256) as u8;
        }
        fs::write(&path, &bytes).unwrap();
        // Damage may hit what nobody reads, so both answers are right; a panic or a wait without end is not.
        if let Err(error) = check(&path).map(drop).and_then(|()| read_run(&path).map(drop)) {
            assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        }
    }
}
