//! `docs/cli.md` is made here, from what clap knows and the table of exit codes: `UPDATE_CLI=1 cargo test --lib cli::reference`
//! writes that file anew.

use std::fmt::Write;

use clap::{Command, CommandFactory};

use super::Cli;
use super::done::EXIT_CODES;

const FILE: &str = "docs/cli.md";

const HEAD: &str = "\
# The command line

This page is made from the program's own help: `UPDATE_CLI=1 cargo test --lib cli::reference` writes it anew. `fanfare man` writes
the same as manual pages, and `fanfare completions` has a shell complete it.

## What holds for every command

Results go to standard output, and everything else to standard error: progress, warnings, and what to do next. An error is told
once, as `error: ` with its causes in one sentence. A reader of standard output that leaves early, such as `head`, is no error
where nothing is lost by it. A secret that was made, a verdict of `send` and the results of `batch` are told as lost.

`--json` has a command write one JSON document to standard output in place of text, with keys in snake_case, of which those
without a value are left out. `check`, `init`, `import`, `caller-key`, `vapid-key` and `demo` have it. `simulate --json` runs until
it is ended, and writes two documents: what `simulator.json` has as soon as it serves, and its counts at the end. Pushes and
verdicts are messages of the contract, and so they are ProtoJSON: `send` always prints its verdict so, and `batch` its results,
one on each line. `batch --json` writes its progress to standard error as JSON, too.

| exit code | means |
|---|---|
";

#[test]
fn the_page_is_what_the_program_says() {
    let made = page();
    if std::env::var_os("UPDATE_CLI").is_some() {
        std::fs::write(FILE, &made).unwrap();
    }
    let is_there = std::fs::read_to_string(FILE).unwrap();
    // The comparison is of bytes, and the texts are too long to be shown.
    assert!(made == is_there, "{FILE} is not what the program says: run this again with UPDATE_CLI=1");
}

#[test]
fn every_command_says_what_its_exit_codes_mean() {
    for command in commands() {
        let help = command.get_long_about().map(ToString::to_string).unwrap_or_default();
        let said = help.split_once("xit code ").map(|(_, said)| said).unwrap_or_default();
        let name = command.get_bin_name().unwrap_or_default();
        // What is imported from whom makes no difference: `fanfare import` says it for all.
        assert!(said.starts_with('0') || name.starts_with("fanfare import "), "{name}: {help}");
        for number in said.split("; ").filter_map(|part| part.split(':').next()?.parse::<u8>().ok()) {
            assert!(EXIT_CODES.iter().any(|(code, _)| *code == number), "{name}: exit code {number}");
        }
    }
}

/// Every command, and what is below it.
fn commands() -> Vec<Command> {
    let mut root = Cli::command().disable_help_subcommand(true).term_width(100);
    root.build();
    let mut found: Vec<_> = root.get_subcommands().cloned().collect();
    let below: Vec<_> = found.iter().flat_map(|command| command.get_subcommands().cloned()).collect();
    found.extend(below);
    found
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for (code, meaning) in EXIT_CODES {
        writeln!(page, "| {code} | {meaning} |").unwrap();
    }
    for command in commands() {
        let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
        // What the environment of this test says is none of the page's business.
        let mut command = command.mut_args(|arg| arg.hide_env_values(true));
        let help = command.render_long_help().to_string();
        let help: Vec<_> = help.trim_end().lines().map(str::trim_end).collect();
        writeln!(page, "\n## {name}\n\n```text\n{}\n```", help.join("\n")).unwrap();
    }
    page
}
