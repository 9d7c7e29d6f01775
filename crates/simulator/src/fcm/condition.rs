//! Checks conditions over topics: `'a' in topics && ('b' in topics || !('c' in topics))`.
//!
//! Source: Google, "Topic messaging"; the discovery document of FCM v1.

/// The most topics in a condition.
const MAX_TOPICS: usize = 5;

/// How deep parentheses and negations may be nested.
const MAX_DEPTH: usize = 64;

/// Whether FCM would accept the condition.
pub(super) fn is_valid(condition: &str) -> bool {
    let mut parser = Parser { rest: condition, topics: 0 };
    parser.any_of(MAX_DEPTH).is_some() && parser.rest.trim().is_empty() && parser.topics <= MAX_TOPICS
}

/// Whether this is the bare name of a topic.
pub(super) fn is_topic(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~%".contains(&byte))
}

struct Parser<'a> {
    rest: &'a str,
    topics: usize,
}

impl Parser<'_> {
    fn any_of(&mut self, depth: usize) -> Option<()> {
        self.all_of(depth)?;
        while self.eat("||") {
            self.all_of(depth)?;
        }
        Some(())
    }

    fn all_of(&mut self, depth: usize) -> Option<()> {
        self.one(depth)?;
        while self.eat("&&") {
            self.one(depth)?;
        }
        Some(())
    }

    fn one(&mut self, depth: usize) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        if self.eat("!") {
            return self.one(depth);
        }
        if self.eat("(") {
            self.any_of(depth)?;
            return self.eat(")").then_some(());
        }
        if !self.eat("'") {
            return None;
        }
        let (topic, rest) = self.rest.split_once('\'')?;
        self.rest = rest;
        self.topics += 1;
        (is_topic(topic) && self.eat("in") && self.eat("topics")).then_some(())
    }

    fn eat(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.trim_start().strip_prefix(token) else { return false };
        self.rest = rest;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::is_valid;

    #[test]
    fn what_the_guide_shows_is_valid() {
        assert!(is_valid("'dogs' in topics || 'cats' in topics"));
        assert!(is_valid("'TopicA' in topics && ('TopicB' in topics || !('TopicC' in topics))"));
        assert!(is_valid("!'a' in topics"));
    }

    #[test]
    fn what_is_cut_or_has_too_many_topics_is_not() {
        for bad in ["", "'a'", "'a' in topics ||", "('a' in topics", "'a b' in topics", "a in topics"] {
            assert!(!is_valid(bad), "{bad}");
        }
        let topics = |n: usize| vec!["'a' in topics"; n].join(" || ");
        assert!(is_valid(&topics(5)));
        assert!(!is_valid(&topics(6)));
        assert!(!is_valid(&"(".repeat(100_000)));
    }
}
