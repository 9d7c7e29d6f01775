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
/// package is the top of a work tree. Otherwise there is none, and the program builds all the same.
///
/// Source of the second variable: reproducible-builds.org, "`SOURCE_DATE_EPOCH` specification".
#[proc_macro]
pub fn commit(_: TokenStream) -> TokenStream {
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    let [hash, seconds] = ["%H", "%ct"].map(|format| of_head(Path::new(&folder), format));
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
