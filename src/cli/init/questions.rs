//! Asks for what no flag says.

use std::io::{BufRead, Write};

use anyhow::{Context, bail};

/// Whoever can be asked: a person at a terminal, or nobody.
pub(super) struct Questions<'a>(Option<(Box<dyn BufRead + 'a>, Box<dyn Write + 'a>)>);

impl<'a> Questions<'a> {
    /// Asks a person.
    pub(super) fn on(input: impl BufRead + 'a, output: impl Write + 'a) -> Self {
        Self(Some((Box::new(input), Box::new(output))))
    }

    /// Asks nobody.
    pub(super) fn nobody() -> Self {
        Self(None)
    }

    pub(super) fn can_ask(&self) -> bool {
        self.0.is_some()
    }

    /// The value of a flag, or else the answer to a question, asked again until it is good.
    ///
    /// # Errors
    /// Fails if the flag's value is not good, or if it is missing and nobody can be asked.
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
            bail!("{flag} is missing: {question}");
        }
        loop {
            let answer = self.ask(question)?;
            match check(&answer) {
                Ok(()) => return Ok(answer),
                Err(problem) => self.say(&format!("{problem}\n"))?,
            }
        }
    }

    /// The answer to a question, which may be empty.
    ///
    /// # Errors
    /// Fails if the input has ended.
    pub(super) fn ask(&mut self, question: &str) -> anyhow::Result<String> {
        self.say(&format!("{question}: "))?;
        let mut line = String::new();
        let read = match &mut self.0 {
            Some((input, _)) => input.read_line(&mut line).context("cannot read the answer")?,
            None => 0,
        };
        if read == 0 {
            bail!("the input ended before all was answered, and nothing is written");
        }
        Ok(line.trim().to_owned())
    }

    pub(super) fn say(&mut self, text: &str) -> anyhow::Result<()> {
        let Some((_, output)) = &mut self.0 else { return Ok(()) };
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
        let error = |given| {
            format!("{:#}", Questions::nobody().required("--id", "The id", given, is_short).unwrap_err())
        };
        assert_eq!(error(None), "--id is missing: The id");
        assert_eq!(error(Some("abc")), "--id: expected 2 characters, found 3");
    }
}
