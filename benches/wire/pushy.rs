//! PUSHY, the APNs client in Java: a process of its own program, which tells its parent the same lines as the other
//! parties. Maven builds it from `pushy/`; where that cannot be, PUSHY is absent.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, ensure};

use super::spec::{Spec, Start};

/// How many pushes are completed before any counts: by then the JIT has compiled all that they run through.
const WARM_PUSHES: u64 = 700_000;

/// How long that may take.
pub(crate) const WARM_UP: Duration = Duration::from_secs(60);

/// How many seconds Maven may take.
const MAVEN_SECONDS: &str = "180";

/// The collector is the one that the JVM takes on one core by itself. Compiler threads do not end: the CPU time of a
/// thread that has ended is in no sum over threads. PUSHY looks a name up in the order of the system, and the stand-in
/// listens on IPv4 alone.
const FLAGS: [&str; 5] = [
    "-Xms512m",
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:-UseDynamicNumberOfCompilerThreads",
    "-Djava.net.preferIPv4Stack=true",
];

/// The program, as it was built.
#[derive(Debug)]
pub(crate) struct Program {
    class_path: OsString,
    /// The versions and the flags, for the report.
    pub(crate) about: String,
}

/// The program for a run, which is built when it is asked for the first time.
///
/// # Errors
/// It says why PUSHY is absent.
pub(crate) fn program(spec: &Spec) -> Result<&'static Program, &'static str> {
    static BUILT: OnceLock<Result<Program, String>> = OnceLock::new();
    if !spec.tls {
        return Err("it speaks TLS alone");
    }
    BUILT.get_or_init(|| build().map_err(|error| format!("{error:#}"))).as_ref().map_err(String::as_str)
}

/// The words of the command that runs it.
pub(crate) fn command(start: &Start) -> anyhow::Result<Vec<OsString>> {
    let spec = &start.spec;
    let program = program(spec).map_err(anyhow::Error::msg)?;
    let upstream = start.upstream.as_ref().context("PUSHY without a stand-in")?;
    let ca = upstream.ca.as_deref().context("PUSHY without TLS")?;
    let mut words: Vec<OsString> = vec!["java".into()];
    words.extend(FLAGS.map(OsString::from));
    words.extend(["-cp".into(), program.class_path.clone(), "dev.fanfare.wire.Pushy".into()]);
    words.extend([upstream.port.to_string().into(), ca.into()]);
    let numbers = [spec.in_flight as u128, spec.body as u128, WARM_PUSHES.into(), spec.section.as_millis()];
    words.extend(numbers.map(|number| number.to_string().into()));
    Ok(words)
}

fn build() -> anyhow::Result<Program> {
    let java = Command::new("java").arg("-version").output().context("no java on the path")?;
    // "openjdk version "17.0.15" 2025-04-15", on standard error.
    let java = String::from_utf8_lossy(&java.stderr).lines().next().unwrap_or("java").to_owned();
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pushy");
    maven(&built, &["--offline"]).or_else(|_| maven(&built, &[]))?;
    let lib = built.join("lib");
    let pushy = jar(&lib, "pushy-")?;
    let mut class_path = built.join("classes").into_os_string();
    class_path.push(":");
    class_path.push(lib.join("*"));
    Ok(Program { class_path, about: format!("{pushy}, {java}, java {}", FLAGS.join(" ")) })
}

/// Has Maven fetch what PUSHY consists of, and compile the class that runs it.
fn maven(built: &Path, more: &[&str]) -> anyhow::Result<()> {
    let mut property = OsString::from("-Dbuilt=");
    property.push(built);
    let pom = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/wire/pushy/pom.xml");
    let output = Command::new("timeout")
        .args([MAVEN_SECONDS, "mvn", "--quiet", "--batch-mode", "-Dstyle.color=never"])
        .args(more)
        .arg("--file")
        .args([pom.into_os_string(), property, "compile".into()])
        .stdin(Stdio::null())
        .output()
        .context("timeout (coreutils) cannot be run")?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    ensure!(
        output.status.success(),
        "Maven cannot build it: {}",
        said.lines().next().unwrap_or("it says nothing")
    );
    Ok(())
}

/// The name of the jar that begins so, which has its version.
fn jar(lib: &PathBuf, begins: &str) -> anyhow::Result<String> {
    let names = std::fs::read_dir(lib)?.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let name = names.into_iter().find(|name| name.starts_with(begins)).context("no PUSHY was fetched")?;
    Ok(name.trim_end_matches(".jar").to_owned())
}
