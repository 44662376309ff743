//! Selections over raw HTTP, their answers taken apart by the client's own reader.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at what should not happen"
)]

mod common;

use std::io::Write as _;

use common::{Answer, Fixture};
use cos_transport::wire::select::{EventDecoder, SelectEvent, SelectFailure};

const PEOPLE: &str = "name,age,city\nann,31,\"Oslo, N\"\nbo,7,Rome\n\"c\"\"d\",64,Rome\n";
const CSV: &str = "<CSV><FileHeaderInfo>USE</FileHeaderInfo></CSV>";
const LINES: &str = "<JSON><Type>LINES</Type></JSON>";
const DOCUMENT: &str = "<JSON><Type>DOCUMENT</Type></JSON>";

async fn ask(fixture: &Fixture, sql: &str, input: &str, output: &str) -> Answer {
    let sql = sql.replace('<', "&lt;");
    let document = format!(
        "<SelectRequest><Expression>{sql}</Expression><ExpressionType>SQL</ExpressionType>\
         <InputSerialization>{input}</InputSerialization><OutputSerialization>{output}</OutputSerialization>\
         <RequestProgress><Enabled>TRUE</Enabled></RequestProgress></SelectRequest>"
    );
    let call = fixture.object("POST", "k?select&select-type=2");
    call.body(document.as_bytes()).send().await
}

/// The result's text, or what failed on the way.
fn result(answer: Answer) -> Result<String, SelectFailure> {
    let answer = answer.expect(200);
    let body = unchunked(&answer);
    let mut decoder = EventDecoder::default();
    decoder.push(&body);
    let mut result = Vec::new();
    let mut returned = None;
    while let Some(event) = decoder.next_event().unwrap() {
        match event? {
            SelectEvent::Records(records) => result.extend_from_slice(&records),
            SelectEvent::Stats(stats) => returned = Some(stats.bytes_returned),
            SelectEvent::End => break,
            SelectEvent::Continuation | SelectEvent::Progress(_) => {}
        }
    }
    decoder.finish().unwrap();
    assert_eq!(returned, Some(result.len() as u64));
    Ok(String::from_utf8(result).unwrap())
}

fn unchunked(answer: &Answer) -> Vec<u8> {
    assert_eq!(answer.header("Transfer-Encoding"), Some("chunked"));
    let (mut body, mut rest) = (Vec::new(), answer.body.as_slice());
    loop {
        let end = rest.windows(2).position(|w| w == b"\r\n").unwrap();
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        if length == 0 {
            return body;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + length]);
        rest = &rest[end + 4 + length..];
    }
}

async fn with(body: &[u8]) -> Fixture {
    let fixture = Fixture::new().await;
    fixture.put("k", body).await.expect(200);
    fixture
}

#[tokio::test]
async fn csv_is_filtered_and_projected() {
    let fixture = with(PEOPLE.as_bytes()).await;
    for (sql, expected) in [
        (
            "select * from COSObject",
            "ann,31,\"Oslo, N\"\nbo,7,Rome\n\"c\"\"d\",64,Rome\n",
        ),
        (
            "SELECT s.name, s.age FROM COSObject s WHERE s.city = 'Rome'",
            "bo,7\n\"c\"\"d\",64\n",
        ),
        ("SELECT _1 FROM COSObject s WHERE age > 8 LIMIT 1", "ann\n"),
        (
            "SELECT name FROM COSObject WHERE age < 31 OR name LIKE 'a%'",
            "ann\nbo\n",
        ),
        (
            "SELECT name FROM COSObject WHERE NOT (age = 7) AND city IS NOT NULL",
            "ann\n\"c\"\"d\"\n",
        ),
        (
            "SELECT name FROM COSObject WHERE nothing IS NULL AND age IN (7, 64)",
            "bo\n\"c\"\"d\"\n",
        ),
        (
            "SELECT name FROM COSObject WHERE cast(age as int) BETWEEN 30 AND 40",
            "ann\n",
        ),
        (
            "SELECT upper(name) AS n, age * 2 + 1 FROM COSObject WHERE city LIKE '%, _'",
            "ANN,63\n",
        ),
        (
            "SELECT count(*), sum(age), min(age), max(cast(age as int)), avg(age) FROM COSObject",
            "3,102,7,64,34.0\n",
        ),
        ("SELECT count(nothing) FROM COSObject", "0\n"),
        ("SELECT name FROM COSObject LIMIT 0", ""),
    ] {
        let answer = ask(&fixture, sql, CSV, "<CSV/>").await;
        assert_eq!(result(answer).unwrap(), expected, "{sql}");
    }
}

#[tokio::test]
async fn csv_is_written_in_many_ways() {
    let fixture = with(b"#no\r\n1;'a;''b'\r\n2;'c\r\nd'\r\n\r\n").await;
    let input = "<CSV><RecordDelimiter>\r\n</RecordDelimiter><FieldDelimiter>;</FieldDelimiter>\
                 <QuoteCharacter>'</QuoteCharacter><QuoteEscapeCharacter>'</QuoteEscapeCharacter>\
                 <Comments>#</Comments><AllowQuotedRecordDelimiter>TRUE</AllowQuotedRecordDelimiter></CSV>";
    let input = input.replace("\r\n<", "&#13;\n<");
    let output = "<CSV><QuoteFields>ALWAYS</QuoteFields><RecordDelimiter>|</RecordDelimiter></CSV>";
    let answer = ask(&fixture, "select * from COSObject", &input, output).await;
    assert_eq!(result(answer).unwrap(), "\"1\",\"a;'b\"|\"2\",\"c\r\nd\"|");
    let answer = ask(
        &fixture,
        "select _2 from COSObject where _1 = 1",
        &input,
        "<JSON/>",
    )
    .await;
    assert_eq!(result(answer).unwrap(), "{\"_2\":\"a;'b\"}\n");
}

#[tokio::test]
async fn json_lines_and_documents_are_read() {
    let lines = b"{\"a\":1,\"b\":{\"c\":\"x\"}}\n\n{\"a\":2.5,\"b\":{\"c\":\"y\"}}\n{\"a\":null}\n";
    let fixture = with(lines).await;
    for (sql, expected) in [
        (
            "select s.b.c as c from COSObject s where s.a >= 2",
            "{\"c\":\"y\"}\n",
        ),
        ("select a from COSObject where a is null", "{\"a\":null}\n"),
        (
            "select * from COSObject limit 1",
            "{\"a\":1,\"b\":{\"c\":\"x\"}}\n",
        ),
        ("select sum(a) from COSObject", "{\"_1\":3.5}\n"),
    ] {
        let answer = ask(&fixture, sql, LINES, "<JSON/>").await;
        assert_eq!(result(answer).unwrap(), expected, "{sql}");
    }
    let document = b"{\"items\":[{\"n\":1},{\"n\":2},{\"n\":3}]}";
    fixture.put("k", document).await.expect(200);
    let answer = ask(
        &fixture,
        "select d.n from COSObject[*].items[*] d where d.n > 1",
        DOCUMENT,
        "<CSV/>",
    )
    .await;
    assert_eq!(result(answer).unwrap(), "2\n3\n");
}

#[tokio::test]
async fn compressed_objects_are_read() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(PEOPLE.as_bytes()).unwrap();
    let fixture = with(&gzip.finish().unwrap()).await;
    let input = |kind: &str| format!("<CompressionType>{kind}</CompressionType>{CSV}");
    let sql = "select name from COSObject where age = 7";
    assert_eq!(
        result(ask(&fixture, sql, &input("GZIP"), "<CSV/>").await).unwrap(),
        "bo\n"
    );
    let wrong = result(ask(&fixture, sql, &input("BZIP2"), "<CSV/>").await).unwrap_err();
    assert_eq!(wrong.code, "InvalidCompressionFormat");
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    bzip2.write_all(PEOPLE.as_bytes()).unwrap();
    fixture.put("k", &bzip2.finish().unwrap()).await.expect(200);
    assert_eq!(
        result(ask(&fixture, sql, &input("BZIP2"), "<CSV/>").await).unwrap(),
        "bo\n"
    );
}

#[tokio::test]
async fn long_objects_are_read_in_one_pass() {
    let mut body = String::new();
    for number in 0..300_000 {
        body += &format!("{number},{}\n", number % 7);
    }
    let fixture = with(body.as_bytes()).await;
    let answer = ask(
        &fixture,
        "select _1 from COSObject where _2 = 3",
        "<CSV/>",
        "<CSV/>",
    )
    .await;
    let expected: String = (0..300_000)
        .filter(|n| n % 7 == 3)
        .map(|n| format!("{n}\n"))
        .collect();
    assert!(result(answer).unwrap() == expected);
}

#[tokio::test]
async fn selections_that_are_refused() {
    let fixture = with(PEOPLE.as_bytes()).await;
    for (sql, code) in [
        ("selekt", "ParseUnexpectedToken"),
        ("select * from COSObject where", "ParseUnexpectedToken"),
        ("select * from Other", "UnsupportedSqlStructure"),
        ("delete from COSObject", "UnsupportedSqlStructure"),
        ("select distinct name from COSObject", "UnsupportedSqlStructure"),
        (
            "select name from COSObject order by name",
            "UnsupportedSqlStructure",
        ),
        (
            "select name from COSObject group by name",
            "UnsupportedSqlStructure",
        ),
        ("select name, count(*) from COSObject", "UnsupportedSqlStructure"),
        (
            "select a.name from COSObject a, COSObject b",
            "UnsupportedSqlStructure",
        ),
        (
            "select name from COSObject limit 1 offset 1",
            "UnsupportedSqlStructure",
        ),
        (
            "select frobnicate(name) from COSObject",
            "UnsupportedSqlStructure",
        ),
        ("select (select 1) from COSObject", "UnsupportedSqlStructure"),
    ] {
        let answer = ask(&fixture, sql, CSV, "<CSV/>").await;
        assert_eq!(
            (answer.status, answer.element("Code")),
            (400, Some(code)),
            "{sql}"
        );
    }
    ask(&fixture, "select * from COSObject", "<XML/>", "<CSV/>")
        .await
        .expect_error(400, "MalformedXML");
    fixture.object("DELETE", "k").send().await.expect(204);
    ask(&fixture, "select * from COSObject", CSV, "<CSV/>")
        .await
        .expect_error(404, "NoSuchKey");
}

#[tokio::test]
async fn what_is_wrong_in_the_object_is_told_in_the_stream() {
    for (body, sql, input, code) in [
        (
            &b"{\"a\":"[..],
            "select * from COSObject",
            LINES,
            "JSONParsingError",
        ),
        (
            b"a\n\"b\n",
            "select * from COSObject",
            "<CSV/>",
            "CSVUnescapedQuote",
        ),
        (
            b"a\n\xff\n",
            "select * from COSObject",
            "<CSV/>",
            "InvalidTextEncoding",
        ),
        (
            b"a\nb\n",
            "select cast(_1 as int) from COSObject",
            "<CSV/>",
            "CastFailed",
        ),
        (b"1\n", "select 1 / 0 from COSObject", "<CSV/>", "DivideByZero"),
        (
            &[b'a'; 1_100_000],
            "select * from COSObject",
            "<CSV/>",
            "OverMaxRecordSize",
        ),
    ] {
        let fixture = with(body).await;
        let failure = result(ask(&fixture, sql, input, "<CSV/>").await).unwrap_err();
        assert_eq!(failure.code, code, "{sql}");
    }
}
