//! Git facts, against repositories that git itself made.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use pipe_history::git::{GitError, Repository};
use pipe_model::Commit;
use tempfile::TempDir;

/// A repository in a temporary folder. Every commit is a minute younger than the one before, whatever the
/// clock says.
struct Git {
    folder: TempDir,
    commits: u64,
}

impl Git {
    fn new() -> Self {
        let git = Git { folder: tempfile::tempdir().unwrap(), commits: 0 };
        git.run(&["init", "-q", "-b", "main"]);
        git
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, date: &str) -> Command {
        let mut command = Command::new("git");
        command
            .current_dir(self.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1");
        for role in ["AUTHOR", "COMMITTER"] {
            let variable = |what| format!("GIT_{role}_{what}");
            command.env(variable("NAME"), "Ada").env(variable("EMAIL"), "ada@example.org");
            command.env(variable("DATE"), date);
        }
        command
    }

    fn run_at(&self, date: &str, arguments: &[&str]) -> String {
        let output = self.command(date).args(arguments).output().expect("git is installed");
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> String {
        self.run_at(&format!("{} +0200", 1_700_000_000 + 60 * self.commits), arguments)
    }

    fn id(&self, revision: &str) -> Commit {
        self.run(&["rev-parse", &format!("{revision}^{{commit}}")]).parse().unwrap()
    }

    /// A commit on what is checked out.
    fn commit(&mut self, subject: &str) -> Commit {
        self.commits += 1;
        self.run(&["commit", "-q", "--allow-empty", "-m", subject]);
        self.id("HEAD")
    }

    fn merge(&mut self, branch: &str) -> Commit {
        self.commits += 1;
        self.run(&["merge", "-q", "--no-ff", "-m", &format!("merge {branch}"), branch]);
        self.id("HEAD")
    }

    fn open(&self) -> Repository {
        Repository::discover(self.path()).unwrap().unwrap()
    }

    /// Subjects in the order pipe puts the commits in.
    fn order(&self, tips: &[Commit]) -> String {
        let repository = self.open();
        let order = repository.order(tips).unwrap();
        let subject = |commit: &Commit| repository.info(commit).unwrap().unwrap().subject;
        order.commits().iter().map(subject).collect::<Vec<_>>().join(", ")
    }
}

#[test]
fn a_folder_outside_of_any_repository_has_none() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Repository::discover(folder.path()).unwrap().is_none());
}

#[test]
fn a_repository_without_a_commit_has_no_head() {
    let git = Git::new();
    let repository = git.open();
    assert_eq!(repository.head().unwrap(), None);
    assert!(repository.order([]).unwrap().commits().is_empty());
    assert!(matches!(repository.resolve("HEAD"), Err(GitError::Revision { .. })));
}

#[test]
fn a_repository_is_found_from_wherever_in_it_one_stands() {
    let mut git = Git::new();
    let head = git.commit("one");
    let deep = git.path().join("a/b");
    fs::create_dir_all(&deep).unwrap();
    let root = git.path().canonicalize().unwrap();
    for folder in [git.path(), &deep, &git.path().join(".git")] {
        let repository = Repository::discover(folder).unwrap().unwrap();
        assert_eq!((repository.root(), repository.head().unwrap()), (root.as_path(), Some(head.clone())));
    }

    let elsewhere = tempfile::tempdir().unwrap();
    let there = |name: &str| -> PathBuf { elsewhere.path().canonicalize().unwrap().join(name) };
    git.run(&["clone", "-q", "--bare", ".", there("bare.git").to_str().unwrap()]);
    git.run(&["worktree", "add", "-q", there("linked").to_str().unwrap()]);
    for name in ["bare.git", "linked"] {
        let repository = Repository::discover(&there(name)).unwrap().unwrap();
        assert_eq!((repository.root(), repository.head().unwrap()), (&*there(name), Some(head.clone())));
    }
}

#[test]
fn the_head_may_be_detached() {
    let mut git = Git::new();
    let one = git.commit("one");
    git.commit("two");
    git.run(&["checkout", "-q", "--detach", "HEAD~1"]);
    assert_eq!(git.open().head().unwrap(), Some(one));
}

#[test]
fn a_repository_that_cannot_be_read_is_named() {
    let mut git = Git::new();
    git.commit("one");
    fs::write(git.path().join(".git/HEAD"), "ref: refs/heads/../../nonsense\n").unwrap();
    let error =
        Repository::discover(git.path()).and_then(|repository| repository.unwrap().head()).unwrap_err();
    assert!(error.to_string().contains("cannot read the git repository at"), "{error}");
}

/// A container's root reads a checkout that is mounted into it. Only root can set that up.
#[test]
fn somebody_elses_repository_is_read() {
    let mut git = Git::new();
    let head = git.commit("one");
    let given_away = Command::new("chown").args(["-R", "12345"]).arg(git.path()).output();
    if !given_away.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: only root can give a repository away");
        return;
    }
    let repository = git.open();
    assert_eq!(repository.head().unwrap(), Some(head.clone()));
    assert_eq!(repository.info(&head).unwrap().unwrap().subject, "one");
    assert_eq!(repository.resolve("main").unwrap(), head);
}

#[test]
fn revisions_are_gits() {
    let mut git = Git::new();
    git.commit("one");
    git.commit("two");
    git.run(&["tag", "light"]);
    git.run(&["tag", "-a", "-m", "an annotated tag", "v1.0"]);
    let three = git.commit("three");
    git.run(&["branch", "feature/fast-softmax"]);
    let repository = git.open();
    for revision in
        ["HEAD", "@", "main", "HEAD~2", "HEAD^", "light", "v1.0", "v1.0^0", "feature/fast-softmax"]
    {
        assert_eq!(repository.resolve(revision).unwrap(), git.id(revision), "{revision}");
    }
    assert_eq!(repository.resolve(&three.as_str()[..9]).unwrap(), three);
}

#[test]
fn a_revision_that_names_nothing_is_said_with_the_near_ones() {
    let mut git = Git::new();
    git.commit("one");
    git.run(&["branch", "feature/fast-softmax"]);
    git.run(&["tag", "v1.0.0"]);
    let repository = git.open();
    let message = |revision: &str| {
        let text = repository.resolve(revision).unwrap_err().to_string();
        text.replace(repository.root().to_str().unwrap(), "<root>")
    };
    let messages =
        ["mian", "fast-softmax", "v1.0.1", "zzz", "HEAD~5", "deadbeef", "", "HEAD^{tree}", "main..HEAD"];
    insta::assert_snapshot!(messages.map(message).join("\n"), @r#"
    revision 'mian' names no commit of <root>: the ref partially named "mian" could not be found; did you mean 'main'?
    revision 'fast-softmax' names no commit of <root>: the ref partially named "fast-softmax" could not be found; did you mean 'feature/fast-softmax'?
    revision 'v1.0.1' names no commit of <root>: the ref partially named "v1.0.1" could not be found; did you mean 'v1.0.0'?
    revision 'zzz' names no commit of <root>: the ref partially named "zzz" could not be found
    revision 'HEAD~5' names no commit of <root>: commit ff67f25 has 0 ancestors along the first parent and ancestor number 5 is out of range
    revision 'deadbeef' names no commit of <root>: the ref partially named "deadbeef" could not be found
    revision '' names no commit of <root>: the rev-spec is malformed and misses a ref name
    revision 'HEAD^{tree}' names no commit of <root>: last encountered object 4b825dc was tree while trying to peel to commit
    revision 'main..HEAD' names no commit of <root>: it is a range, and a single commit is wanted
    "#);
}

#[test]
fn a_range_is_what_git_lists_oldest_first() {
    let mut git = Git::new();
    git.commit("one");
    git.run(&["tag", "start"]);
    git.commit("two");
    git.run(&["checkout", "-q", "-b", "feature", "start"]);
    git.commit("feature");
    git.run(&["checkout", "-q", "main"]);
    git.merge("feature");
    git.commit("three");
    let repository = git.open();
    let subjects = |range: &str| {
        let commits = repository.range(range).unwrap();
        commits.iter().map(|commit| repository.info(commit).unwrap().unwrap().subject).collect::<Vec<_>>()
    };
    assert_eq!(subjects("start..main"), ["two", "feature", "merge feature", "three"]);
    assert_eq!(subjects("feature.."), ["two", "merge feature", "three"]);
    assert_eq!(subjects("..feature"), [""; 0]);
    assert_eq!(subjects("HEAD~1"), ["merge feature"]);
    for bad in ["start...main", "start..mian"] {
        assert!(matches!(repository.range(bad), Err(GitError::Revision { .. })), "{bad}");
    }
}

#[test]
fn a_commit_says_who_what_and_when() {
    let mut git = Git::new();
    let one = git.commit("one");
    git.commits += 1;
    git.run(&["commit", "-q", "--allow-empty", "-m", "Größere Kacheln\n\nA body."]);
    let info = git.open().info(&git.id("HEAD")).unwrap().unwrap();
    assert_eq!((info.subject.as_str(), info.author.as_str()), ("Größere Kacheln", "Ada"));
    assert_eq!(info.time.as_second(), 1_700_000_000 + 120);
    assert_eq!(info.parents, [one]);
}

#[test]
fn a_commit_the_repository_does_not_have_has_no_info_and_no_place() {
    let mut git = Git::new();
    git.commit("one");
    let blob = git.run(&["hash-object", "-w", ".git/HEAD"]);
    let repository = git.open();
    let strangers =
        [Commit::Hash("0".repeat(39) + "1"), Commit::Hash(blob), Commit::Unversioned, Commit::Unknown];
    let order = repository.order(&strangers).unwrap();
    for stranger in &strangers {
        assert_eq!(repository.info(stranger).unwrap(), None, "{stranger}");
        assert_eq!((order.position(stranger), order.on_head(stranger)), (None, false), "{stranger}");
    }
    assert_eq!(order.commits().len(), 1);
}

#[test]
fn the_merge_base_is_gits() {
    let mut git = Git::new();
    git.commit("one");
    let fork = git.commit("two");
    git.run(&["checkout", "-q", "-b", "feature"]);
    let feature = git.commit("feature");
    git.run(&["checkout", "-q", "main"]);
    let main = git.commit("three");
    git.run(&["checkout", "-q", "--orphan", "other"]);
    let other = git.commit("unrelated");
    let repository = git.open();
    assert_eq!(repository.merge_base(&feature, &main).unwrap(), Some(fork));
    assert_eq!(repository.merge_base(&feature, &other).unwrap(), None);
    assert_eq!(repository.merge_base(&feature, &Commit::Unversioned).unwrap(), None);
    assert_eq!(repository.merge_base(&feature, &Commit::Hash("1".repeat(40))).unwrap(), None);
}

#[test]
fn order_is_topology_and_not_dates() {
    let mut git = Git::new();
    // Each commit older than its parent.
    for (index, subject) in ["one", "two", "three"].into_iter().enumerate() {
        let date = format!("{} +0000", 1_700_000_000 - 86_400 * index);
        git.run_at(&date, &["commit", "-q", "--allow-empty", "-m", subject]);
    }
    assert_eq!(git.order(&[]), "one, two, three");
    // Backfilling measures an old commit; it stays where it is.
    let two = git.id("HEAD~1");
    assert_eq!(git.order(&[two]), "one, two, three");
    git.commit("four");
    assert_eq!(git.order(&[]), "one, two, three, four");
}

#[test]
fn a_merged_branch_comes_before_its_merge_and_moves_nothing() {
    let mut git = Git::new();
    git.commit("one");
    git.run(&["branch", "feature"]);
    git.commit("two");
    git.commit("three");
    assert_eq!(git.order(&[]), "one, two, three");
    git.run(&["checkout", "-q", "feature"]);
    git.commit("a");
    let b = git.commit("b");
    git.run(&["checkout", "-q", "main"]);
    assert_eq!(git.order(&[b]), "one, a, b, two, three", "beside HEAD: after the fork, HEAD still last");
    git.merge("feature");
    git.commit("four");
    assert_eq!(git.order(&[]), "one, two, three, a, b, merge feature, four");
}

#[test]
fn branches_beside_head_have_their_place() {
    let mut git = Git::new();
    git.commit("one");
    git.run(&["branch", "left"]);
    git.run(&["branch", "right"]);
    git.commit("two");
    git.run(&["checkout", "-q", "left"]);
    let left = git.commit("left");
    git.run(&["checkout", "-q", "right"]);
    let right = git.commit("right");
    let both = git.merge("left");
    git.run(&["checkout", "-q", "--orphan", "pages"]);
    let pages = git.commit("pages");
    git.run(&["checkout", "-q", "main"]);
    let tips = [both.clone(), left.clone(), right.clone(), pages.clone()];
    let order = git.order(&tips);
    let expected = if left < right { "left, right" } else { "right, left" };
    assert_eq!(order, format!("pages, one, {expected}, merge left, two"));
    let reversed: Vec<Commit> = tips.iter().rev().cloned().collect();
    assert_eq!(git.order(&reversed), order);

    let order = git.open().order(&tips).unwrap();
    assert!(order.on_head(&git.id("main")) && order.on_head(&git.id("main~1")));
    assert!(!order.on_head(&both) && !order.on_head(&pages));
}

#[test]
fn a_commit_rebased_away_keeps_its_place_while_git_keeps_it() {
    let mut git = Git::new();
    git.commit("one");
    let lost = git.commit("lost");
    git.run(&["reset", "-q", "--hard", "HEAD~1"]);
    git.commit("two");
    assert_eq!(git.order(&[lost]), "one, lost, two");
}

#[test]
fn a_shallow_clone_ends_where_it_ends() {
    let mut git = Git::new();
    for subject in ["one", "two", "three", "four"] {
        git.commit(subject);
    }
    let clone = tempfile::tempdir().unwrap();
    let url = format!("file://{}", git.path().display());
    git.run(&["clone", "-q", "--depth", "2", &url, clone.path().to_str().unwrap()]);
    let repository = Repository::discover(clone.path()).unwrap().unwrap();
    let (one, three, four) = (git.id("HEAD~3"), git.id("HEAD~1"), git.id("HEAD"));
    let order = repository.order([&one]).unwrap();
    assert_eq!(order.commits(), [three.clone(), four.clone()]);
    assert_eq!(order.position(&one), None);
    assert_eq!(repository.info(&one).unwrap(), None);
    assert_eq!(repository.range("HEAD~1..HEAD").unwrap(), [four]);
}

/// Random histories with clocks that lie: every parent before its children, and every range the difference of
/// two pasts.
#[test]
fn random_histories_are_in_order() {
    let mut git = Git::new();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut below = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound as u64) as usize
    };
    let tree = git.run(&["mktree"]);
    let mut ids: Vec<String> = Vec::new();
    for number in 0..60 {
        let date = format!("{} +0000", 1_700_000_000 + below(100_000));
        let (subject, mut arguments) = (format!("c{number}"), vec!["commit-tree".to_owned(), tree.clone()]);
        for _ in
            0..if ids.is_empty() { 0 } else { [0, 1, 1, 1, 2, 2, 3][below(7)].max(usize::from(number > 3)) }
        {
            let parent = ids[ids.len() - 1 - below(ids.len().min(8))].clone();
            if !arguments.contains(&parent) {
                arguments.extend(["-p".to_owned(), parent]);
            }
        }
        arguments.extend(["-m".to_owned(), subject]);
        ids.push(git.run_at(&date, &arguments.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    git.run(&["update-ref", "refs/heads/main", &ids[50]]);
    git.commits = 60;
    let commits: Vec<Commit> = ids.iter().map(|id| id.parse().unwrap()).collect();
    let repository = git.open();

    let order = repository.order(&commits).unwrap();
    assert_eq!(order.commits().len(), commits.len());
    for commit in &commits {
        let position = order.position(commit).unwrap();
        assert_eq!(&order.commits()[position], commit);
        for parent in repository.info(commit).unwrap().unwrap().parents {
            assert!(order.position(&parent).unwrap() < position, "{parent} after its child {commit}");
        }
    }
    // Not compared with `git rev-list`, which trusts dates and so gets some of these wrong.
    let past = |commit: &Commit| {
        let (mut past, mut pending) = (BTreeSet::new(), vec![commit.clone()]);
        while let Some(commit) = pending.pop() {
            pending.extend(repository.info(&commit).unwrap().unwrap().parents);
            past.insert(commit);
        }
        past
    };
    for _ in 0..40 {
        let (old, new) = (&commits[below(60)], &commits[below(60)]);
        let found = repository.range(&format!("{old}..{new}")).unwrap();
        for (position, commit) in found.iter().enumerate() {
            let parents = repository.info(commit).unwrap().unwrap().parents;
            assert!(!found[position..].iter().any(|later| parents.contains(later)), "{old}..{new}");
        }
        let expected: BTreeSet<Commit> = past(new).difference(&past(old)).cloned().collect();
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "{old}..{new}");
    }
}
