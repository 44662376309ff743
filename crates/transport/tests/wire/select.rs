//! Selections: the request's document, and event streams over real sockets.

use bytes::Bytes;
use cos_transport::object::SelectObjectContent;
use cos_transport::wire::select::{
    CompressionType, CsvInput, FileHeaderInfo, JsonInput, JsonOutput, RequestProgress, SelectEvent,
    SelectFailure, SelectProgress, SelectRequest,
};
use cos_transport::{Error, IntegrityError};
use futures_util::TryStreamExt;

use super::requests::assert_signed;
use super::script::{Reply, Script, raw, reply};

fn records(bytes: &'static [u8]) -> SelectEvent {
    SelectEvent::Records(Bytes::from_static(bytes))
}

fn encode(events: &[SelectEvent]) -> Vec<u8> {
    events
        .iter()
        .flat_map(|event| event.to_message().encode().unwrap())
        .collect()
}

/// The stream as the service sends it: chunked, the pieces cut without regard to messages.
fn chunked(stream: &[u8]) -> Reply {
    let mut answer =
        b"HTTP/1.1 200 OK\r\nx-cos-request-id: R\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            .to_vec();
    for piece in stream.chunks(7) {
        answer.extend(format!("{:x}\r\n", piece.len()).bytes());
        answer.extend(piece);
        answer.extend(b"\r\n");
    }
    answer.extend(b"0\r\n\r\n");
    raw(answer)
}

fn select(script: &Script) -> SelectObjectContent {
    let csv = CsvInput {
        file_header_info: Some(FileHeaderInfo::Use),
        record_delimiter: Some("\r\n".into()),
        ..CsvInput::default()
    };
    script.bucket(2).select_object_content(
        "k".parse().unwrap(),
        "Select * from COSObject",
        csv,
        JsonOutput::default(),
    )
}

#[tokio::test]
async fn a_selection_is_asked_for_and_read() {
    let progress = SelectProgress {
        bytes_scanned: 1,
        bytes_processed: 2,
        bytes_returned: 3,
    };
    let events = [
        records(b"{\"a\":"),
        SelectEvent::Continuation,
        SelectEvent::Progress(progress),
        records(b"1}\n"),
        SelectEvent::Stats(progress),
        SelectEvent::End,
    ];
    let script = Script::new([chunked(&encode(&events))]).await;
    let select = || {
        select(&script)
            .compression(CompressionType::Gzip)
            .request_progress(RequestProgress::Enabled)
    };
    let answer = select().send().await.unwrap();
    assert_eq!(answer.request_id, "R");
    assert_eq!(answer.events.try_collect::<Vec<_>>().await.unwrap(), events);
    let collected = select().send().await.unwrap().events.collect(8).await;
    assert_eq!(collected.unwrap(), "{\"a\":1}\n");
    assert!(select().send().await.unwrap().events.collect(7).await.is_err());

    let request = &script.requests()[0];
    assert_eq!(request.line, "POST /bench-1/k?select=&select-type=2 HTTP/1.1");
    assert_eq!(
        String::from_utf8_lossy(&request.body),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<SelectRequest><Expression>Select * from COSObject</Expression>\
         <ExpressionType>SQL</ExpressionType><InputSerialization><CompressionType>GZIP</CompressionType><CSV>\
         <FileHeaderInfo>USE</FileHeaderInfo><RecordDelimiter>&#13;\n</RecordDelimiter></CSV></InputSerialization>\
         <OutputSerialization><JSON/></OutputSerialization><RequestProgress><Enabled>TRUE</Enabled></RequestProgress>\
         </SelectRequest>"
    );
    assert!(SelectRequest::parse(&request.body).is_ok());
    assert_signed(request);
}

#[tokio::test]
async fn a_failure_on_the_way_is_the_services_error() {
    let failure = SelectFailure {
        code: "CSVUnclosedQuote".into(),
        message: "a quote is open".into(),
    };
    let mut stream = encode(&[records(b"1")]);
    stream.extend(failure.to_message().encode().unwrap());
    let script = Script::new([chunked(&stream)]).await;
    let mut events = select(&script).send().await.unwrap().events;
    assert_eq!(events.try_next().await.unwrap(), Some(records(b"1")));
    let error = events.try_next().await.unwrap_err();
    let told = error.service().unwrap();
    assert_eq!(
        (told.code.as_str(), told.request_id.as_str()),
        ("CSVUnclosedQuote", "R")
    );
    assert!(events.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_selection_that_breaks_off_or_changes_is_an_error() {
    let whole = encode(&[records(b"1,2\n"), SelectEvent::End]);
    let mut changed = whole.clone();
    *changed.iter_mut().rev().nth(60).unwrap() ^= 1;
    let without_end = encode(&[records(b"1,2\n")]);
    let behind = [whole.clone(), b"x".to_vec()].concat();
    for stream in [
        &without_end,
        &whole[..whole.len() - 1].to_vec(),
        &behind,
        &Vec::new(),
    ] {
        let script = Script::new([chunked(stream)]).await;
        let error = select(&script)
            .send()
            .await
            .unwrap()
            .events
            .collect(99)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Protocol(_)), "{error}");
    }
    let script = Script::new([chunked(&changed)]).await;
    let error = select(&script)
        .send()
        .await
        .unwrap()
        .events
        .collect(99)
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Integrity(IntegrityError::Message { .. })),
        "{error}"
    );
    let script = Script::new([raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab".as_slice(),
    )])
    .await;
    assert!(
        select(&script)
            .send()
            .await
            .unwrap()
            .events
            .collect(99)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn refusals_and_impossible_wishes() {
    let script = Script::new([reply(
        "400 Bad Request",
        &[],
        "<Error><Code>InvalidJsonType</Code></Error>",
    )])
    .await;
    let bucket = script.bucket(1);
    let ask = |expression: &str, delimiter: &str| {
        let output = JsonOutput {
            record_delimiter: Some(delimiter.into()),
        };
        bucket.select_object_content("k".parse().unwrap(), expression, JsonInput::Lines, output)
    };
    let error = ask("Select 1", ",").send().await.unwrap_err();
    assert_eq!(error.service().unwrap().code, "InvalidJsonType");
    for (expression, delimiter) in [("", ","), ("Select 1", "abc"), ("Select \u{1}", ",")] {
        let error = ask(expression, delimiter).send().await.unwrap_err();
        assert!(matches!(error, Error::InvalidInput(_)), "{error}");
    }
    assert_eq!(script.requests().len(), 1);
}
