//! Asks for what no flag says.

use std::io::{BufRead, Write};

use anyhow::{Context, bail, ensure};

/// Whoever can be asked: a person at a terminal, or nobody.
pub(super) struct Questions<'a> {
    person: Option<(Box<dyn BufRead + 'a>, Box<dyn Write + 'a>)>,
    /// What could not be asked, so that all of it is told at once.
    missing: Vec<String>,
}

/// The person has gone.
#[derive(Debug, thiserror::Error)]
#[error("the input ended before all was answered, and nothing is written")]
pub(super) struct InputEnded;

impl<'a> Questions<'a> {
    /// Asks a person.
    pub(super) fn on(input: impl BufRead + 'a, output: impl Write + 'a) -> Self {
        Self { person: Some((Box::new(input), Box::new(output))), missing: Vec::new() }
    }

    /// Asks nobody.
    pub(super) fn nobody() -> Self {
        Self { person: None, missing: Vec::new() }
    }

    pub(super) fn can_ask(&self) -> bool {
        self.person.is_some()
    }

    /// The value of a flag, or else the answer to a question, asked again until it is good. Where nobody can be asked it is
    /// empty, and `expect_all` tells so.
    ///
    /// # Errors
    /// Fails if the flag's value is not good, or if the input has ended.
    pub(super) fn required(
        &mut self,
        flag: &str,
        question: &str,
        given: Option<&str>,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> anyhow::Result<String> {
        if let Some(given) = given {
            check(given).map_err(anyhow::Error::msg).with_context(|| flag.to_owned())?;
            return Ok(given.to_owned());
        }
        if !self.can_ask() {
            self.missing.push(format!("{flag} is missing: {question}"));
            return Ok(String::new());
        }
        loop {
            let answer = self.ask(question)?;
            match check(&answer) {
                Ok(()) => return Ok(answer),
                Err(problem) => self.say(&format!("{problem}\n"))?,
            }
        }
    }

    /// Checks that nothing was missing which could not be asked.
    ///
    /// # Errors
    /// Fails with all that was.
    pub(super) fn expect_all(&self) -> anyhow::Result<()> {
        ensure!(self.missing.is_empty(), "{}", self.missing.join("; "));
        Ok(())
    }

    /// The answer to a question, which may be empty.
    ///
    /// # Errors
    /// Fails if the input has ended.
    pub(super) fn ask(&mut self, question: &str) -> anyhow::Result<String> {
        self.say(&format!("{question}: "))?;
        let mut line = String::new();
        let read = match &mut self.person {
            Some((input, _)) => input.read_line(&mut line).context("cannot read the answer")?,
            None => 0,
        };
        if read == 0 {
            bail!(InputEnded);
        }
        Ok(line.trim().to_owned())
    }

    pub(super) fn say(&mut self, text: &str) -> anyhow::Result<()> {
        let Some((_, output)) = &mut self.person else { return Ok(()) };
        output.write_all(text.as_bytes()).and_then(|()| output.flush()).context("cannot ask")
    }
}

/// Accepts every answer but an empty one.
pub(super) fn not_empty(text: &str) -> Result<(), String> {
    if text.is_empty() { Err("expected an answer".to_owned()) } else { Ok(()) }
}

/// Accepts what can be parsed.
pub(super) fn good<T, E: ToString>(parsed: Result<T, E>) -> Result<(), String> {
    parsed.map(drop).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_short(text: &str) -> Result<(), String> {
        if text.len() == 2 { Ok(()) } else { Err(format!("expected 2 characters, found {}", text.len())) }
    }

    #[test]
    fn a_question_is_asked_again_until_its_answer_is_good() {
        let mut said = Vec::new();
        let mut questions = Questions::on("\nabc\n ab \n".as_bytes(), &mut said);
        assert_eq!(questions.required("--id", "The id", None, is_short).unwrap(), "ab");
        let ended = questions.required("--id", "The id", None, is_short).unwrap_err();
        assert!(ended.to_string().contains("the input ended"), "{ended}");
        drop(questions);
        let said = String::from_utf8(said).unwrap();
        assert_eq!(said.matches("The id: ").count(), 4, "{said}");
        assert_eq!(said.matches("expected 2 characters").count(), 2, "{said}");
    }

    #[test]
    fn a_flag_is_not_asked_for_and_one_that_is_missing_is_named() {
        let mut nobody = Questions::nobody();
        assert_eq!(nobody.required("--id", "The id", Some("ab"), is_short).unwrap(), "ab");
        nobody.expect_all().unwrap();
        let error = nobody.required("--id", "The id", Some("abc"), is_short).unwrap_err();
        assert_eq!(format!("{error:#}"), "--id: expected 2 characters, found 3");
        assert_eq!(nobody.required("--id", "The id", None, is_short).unwrap(), "");
        assert_eq!(nobody.required("--name", "The name", None, is_short).unwrap(), "");
        let all = nobody.expect_all().unwrap_err().to_string();
        assert_eq!(all, "--id is missing: The id; --name is missing: The name");
    }
}
