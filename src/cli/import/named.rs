//! Files that another configuration names.

use std::path::{Path, PathBuf};

/// Where files are looked for that another configuration names by relative paths. Its program looked in its working folder,
/// which nothing tells.
#[derive(Debug)]
pub(super) struct Folders(Vec<PathBuf>);

impl Folders {
    /// The folder of the configuration, the one above it, and the working folder.
    pub(super) fn around(config: &Path) -> Self {
        let config = std::path::absolute(config).unwrap_or_else(|_| config.to_owned());
        let above = config.ancestors().skip(1).take(2).map(Path::to_owned);
        Self(above.chain(std::env::current_dir()).collect())
    }

    /// The absolute path of a file, where it is found.
    pub(super) fn find(&self, named: &str) -> Option<PathBuf> {
        let candidates = self.0.iter().map(|folder| folder.join(named));
        let mut found = candidates.filter(|candidate| candidate.is_file());
        found.next().map(|found| found.components().collect())
    }

    /// The path of a file, whether or not it is there.
    pub(super) fn place(&self, named: &str) -> PathBuf {
        self.find(named)
            .unwrap_or_else(|| self.0.first().map(|folder| folder.join(named)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_is_looked_for_around_the_configuration() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("config")).unwrap();
        let key = dir.path().join("key.p8");
        std::fs::write(&key, "").unwrap();
        let folders = Folders::around(&dir.path().join("config/proxy.json"));
        assert_eq!(folders.find("./key.p8"), Some(key.clone()));
        assert_eq!(folders.find(key.to_str().unwrap()), Some(key));
        assert_eq!(folders.find("other.p8"), None);
        assert_eq!(folders.place("other.p8"), dir.path().join("config/other.p8"));
        assert_eq!(folders.place("/gone.p8"), Path::new("/gone.p8"));
    }
}
