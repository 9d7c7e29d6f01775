//! What is wrong with a configuration: the file, the key, what was expected.

use std::fmt;
use std::path::{Path, PathBuf};

/// One thing that is wrong. It never holds a secret: secrets come from files, whose content is not repeated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Where it is said.
    pub place: Place,
    /// The key, as a path. It is empty where the whole file is wrong.
    pub key: String,
    /// What is wrong, with what was expected.
    pub problem: String,
}

/// Where a configuration says something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In the configuration file; on this line, from 1, where one is known.
    File(PathBuf, Option<usize>),
    /// In the environment variable of this name.
    Variable(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file, Some(line)) => write!(f, "{}:{line}", file.display()),
            Self::File(file, None) => write!(f, "{}", file.display()),
            Self::Variable(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.problem)
    }
}

/// Everything that is wrong with a configuration, which is at least one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<ConfigError>);

impl ConfigErrors {
    /// One thing that is wrong with a whole file.
    pub(super) fn of_file(file: &Path, problem: String) -> Self {
        let place = Place::File(file.to_owned(), None);
        Self(vec![ConfigError { place, key: String::new(), problem }])
    }
}

impl std::error::Error for ConfigErrors {}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}
