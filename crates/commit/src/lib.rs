//! Tells a program which commit it is built from.
//!
//! A build script that looks at git has the whole package built anew at each commit. A macro is expanded where it is called, so
//! with this one a commit costs only the file that calls it, which is `main.rs`.
//!
//! ```
//! let (hash, seconds): (Option<&str>, Option<&str>) = fanfare_commit::commit!();
//! ```

use std::path::Path;
use std::process::Command;

use proc_macro::TokenStream;

/// The hash of the commit, and its time in seconds since 1970, both as texts.
///
/// They are what the environment variables `FANFARE_COMMIT` and `SOURCE_DATE_EPOCH` say, or else what git says where the
/// package is the top of a work tree. A package of a registry knows the hash alone, which cargo noted when it made it.
/// Otherwise there is none, and the program builds all the same.
///
/// Sources: reproducible-builds.org, "`SOURCE_DATE_EPOCH` specification"; the Cargo Book, "cargo package",
/// `.cargo_vcs_info.json`.
#[proc_macro]
pub fn commit(_: TokenStream) -> TokenStream {
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let [hash, seconds] = ["%H", "%ct"].map(|format| of_head(Path::new(&folder), format));
    let hash = hash.or_else(|| noted(&std::fs::read_to_string(Path::new(&folder).join(NOTE)).ok()?));
    // The compiler looks for a change of what it includes and of the variables that it reads. The bytes are not kept.
    let watched = watched(Path::new(&folder));
    let watched =
        watched.map(|file| format!("const _: &[u8] = include_bytes!({file:?});")).unwrap_or_default();
    let expanded = format!(
        "{{
            {watched}
            const HASH: Option<&str> = match option_env!(\"FANFARE_COMMIT\") {{ None => {hash:?}, given => given }};
            const SECONDS: Option<&str> = match option_env!(\"SOURCE_DATE_EPOCH\") {{ None => {seconds:?}, given => given }};
            (HASH, SECONDS)
        }}"
    );
    // The text is made of literals alone, so it can be read.
    expanded.parse().unwrap_or_default()
}

/// What cargo noted of a package that it made from a clean work tree: `{"git": {"sha1": "…"}, "path_in_vcs": ""}`.
const NOTE: &str = ".cargo_vcs_info.json";

/// The hash in this note. A work tree with changes is no commit, and cargo notes it as `dirty`.
fn noted(note: &str) -> Option<String> {
    let hash = note.split_once("\"sha1\"")?.1.split('"').nth(1)?;
    let is_hash = hash.len() >= 40 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hash && !note.contains("\"dirty\"")).then(|| hash.to_owned())
}

/// What git says of the commit that is checked out.
fn of_head(folder: &Path, format: &str) -> Option<String> {
    git(folder, &["log", "-1", &format!("--format={format}")])
}

/// The file that changes with each commit and each checkout: the log of HEAD, or where none is kept, HEAD itself.
fn watched(folder: &Path) -> Option<String> {
    let found = ["logs/HEAD", "HEAD"].map(|name| git(folder, &["rev-parse", "--git-path", name]));
    let mut files = found.into_iter().flatten().map(|file| folder.join(file));
    files.find(|file| file.is_file())?.to_str().map(str::to_owned)
}

/// Asks git about the package. One that only lies inside of another work tree, as a package below `~/.cargo` may, is none of
/// its business.
fn git(folder: &Path, args: &[&str]) -> Option<String> {
    if !folder.join(".git").exists() {
        return None;
    }
    let output = Command::new("git").arg("-C").arg(folder).args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::noted;

    #[test]
    fn a_package_knows_the_commit_that_cargo_noted() {
        let hash = "0123456789abcdef0123456789abcdef01234567";
        let note = format!("{{\n  \"git\": {{\n    \"sha1\": \"{hash}\"\n  }},\n  \"path_in_vcs\": \"\"\n}}");
        assert_eq!(noted(&note).as_deref(), Some(hash));
        assert_eq!(noted(&note.replace(hash, "HEAD")), None);
        assert_eq!(noted(&note.replace("\n  },", ",\n    \"dirty\": true\n  },")), None);
        assert_eq!(noted("{}"), None);
    }
}
