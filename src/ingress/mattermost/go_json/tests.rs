//! What Go tolerates, and in which words it fails.

use super::*;

#[derive(Debug, Default, PartialEq)]
struct Probe<'a> {
    text: Cow<'a, str>,
    integer: i64,
    flag: bool,
}

impl<'a> GoStruct<'a> for Probe<'a> {
    const NAME: &'static str = "Probe";

    fn members<'s>(&'s mut self) -> impl IntoIterator<Item = (&'static str, Place<'s, 'a>)>
    where
        'a: 's,
    {
        [
            ("text", Place::Text(&mut self.text)),
            ("integer", Place::Integer(&mut self.integer, "int")),
            ("flag", Place::Flag(&mut self.flag)),
        ]
    }
}

fn read(json: &str) -> Result<Probe<'_>, String> {
    let mut probe = Probe::default();
    super::read(json, &mut probe).map(|_| probe)
}

/// What is read in the plain way, if that is possible.
fn plainly(json: &str) -> Option<Probe<'_>> {
    let mut probe = Probe::default();
    plain::read(json, &mut probe).map(|()| probe)
}

#[test]
fn it_tolerates_what_go_tolerates() {
    let probe = |text: &'static str, integer, flag| Ok(Probe { text: text.into(), integer, flag });
    for (json, expected) in [
        (r#"{"text":"a","integer":-1,"flag":true}"#, probe("a", -1, true)),
        (r#"{"TEXT":"a","Text":"b","other":{"x":[1]}}"#, probe("b", 0, false)),
        (r#"{"text":"a","text":null,"integer":null} trailing"#, probe("a", 0, false)),
        (r#"{"integer":1}{"integer":2}"#, probe("", 1, false)),
        (r#"{"integer":-0}"#, probe("", 0, false)),
        (r#"{ "integer":-0}"#, probe("", 0, false)),
        (r#" {"t\u0065xt":"\u00e9\n"}"#, probe("é\n", 0, false)),
        ("null", probe("", 0, false)),
        ("{}]", probe("", 0, false)),
    ] {
        assert_eq!(read(json), expected, "{json}");
    }
    assert_eq!(text(b"{\"text\":\"\xff\xfe\"}"), "{\"text\":\"\u{fffd}\u{fffd}\"}");
}

#[test]
fn it_fails_in_the_words_of_go() {
    for (json, expected) in [
        ("", "EOF"),
        (" \n", "EOF"),
        ("{", "unexpected EOF"),
        (r#"{"text":"#, "unexpected EOF"),
        (r#"{"integer":"1""#, "unexpected EOF"),
        (
            r#"{"integer":"1","flag":0}"#,
            "json: cannot unmarshal string into Go struct field Probe.integer of type int",
        ),
        (
            r#"{"integer":1.5}"#,
            "json: cannot unmarshal number 1.5 into Go struct field Probe.integer of type int",
        ),
        (r#"{"flag":[1]}"#, "json: cannot unmarshal array into Go struct field Probe.flag of type bool"),
        (
            r#"{"text":{"a":1}}"#,
            "json: cannot unmarshal object into Go struct field Probe.text of type string",
        ),
        (r#"{"text":7}"#, "json: cannot unmarshal number into Go struct field Probe.text of type string"),
        ("[]", "json: cannot unmarshal array into Go value of type model.Probe"),
        ("[", "unexpected EOF"),
        ("\"x\"", "json: cannot unmarshal string into Go value of type model.Probe"),
        ("-7", "json: cannot unmarshal number into Go value of type model.Probe"),
        ("true", "json: cannot unmarshal bool into Go value of type model.Probe"),
    ] {
        assert_eq!(read(json).unwrap_err(), expected, "{json}");
    }
    let error = read("{text}").unwrap_err();
    assert!(error.starts_with("invalid JSON: key must be a string"), "{error}");
}

#[test]
fn a_number_that_no_integer_holds_is_no_integer() {
    let error = read(r#"{"integer":9223372036854775808}"#).unwrap_err();
    assert!(error.starts_with("json: cannot unmarshal number 92"), "{error}");
}

#[test]
fn what_go_writes_is_read_in_the_plain_way() {
    let json = r#"{"text":"née @x","integer":-70,"flag":false}"#;
    assert_eq!(plainly(json), Some(Probe { text: "née @x".into(), integer: -70, flag: false }));
    for other in [
        r#"{"text":"\n"}"#,
        r#"{ "text":""}"#,
        r#"{"TEXT":""}"#,
        r#"{"integer":07}"#,
        r#"{"integer":1.0}"#,
        r#"{"flag":true,"text":""}"#,
        r#"{"text":"","text":""}"#,
        "{}",
    ] {
        assert_eq!(plainly(other), None, "{other}");
    }
}

proptest::proptest! {
    #[test]
    fn the_plain_way_reads_nothing_in_another_way(
        json in r#"\{("(text|integer|flag|other)":("[a-é"\\\x00-\x20]{0,9}"|-?[0-9]{1,20}|true|false|null|1e3|-|\[\]),?){1,4}\}"#,
    ) {
        if let Some(plain) = plainly(&json) {
            // What was there before does not matter.
            let mut any = Probe { text: "before".into(), integer: 7, flag: true };
            proptest::prop_assert_eq!((read_any(&json, &mut any), any), (Ok(()), plain));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, json in r#"(\{|\}|\[|\]|"|text|integer|:|,|1|null|\\){0,20}"#) {
        let _ = read(&text(&bytes));
        let _ = read(&json);
    }
}
