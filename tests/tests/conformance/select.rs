//! SELECT Object Content.

use cos_transport::ObjectKey;
use cos_transport::wire::select::{
    CompressionType, CsvInput, CsvOutput, FileHeaderInfo, InputFormat, JsonInput, JsonOutput, OutputFormat,
    RequestProgress, SelectEvent,
};
use futures_util::TryStreamExt;

use super::bench::{Bench, Needs, conform};

const CSV: &str = "name,age\nann,41\nbob,7\n\"c, d\",99\n";
const JSON: &str = "{\"name\":\"ann\",\"age\":41}\n{\"name\":\"bob\",\"age\":7}\n";

fn csv_with_names() -> CsvInput {
    CsvInput {
        file_header_info: Some(FileHeaderInfo::Use),
        ..CsvInput::default()
    }
}

async fn select(
    bench: &Bench,
    key: &ObjectKey,
    sql: &str,
    input: impl Into<InputFormat>,
    output: impl Into<OutputFormat>,
) -> String {
    let selection = bench
        .bucket
        .select_object_content(key.clone(), sql, input, output);
    let selected = selection
        .send()
        .await
        .unwrap()
        .events
        .collect(1 << 20)
        .await
        .unwrap();
    String::from_utf8(selected.to_vec()).unwrap()
}

#[tokio::test]
async fn records_of_csv_are_chosen() {
    conform(&[Needs::Select], async |bench| {
        let key = bench.put("o.csv", CSV).await;
        let sql = "Select s.name from COSObject s where cast(s.age as int) > 40";
        let got = select(&bench, &key, sql, csv_with_names(), CsvOutput::default()).await;
        assert_eq!(got, "ann\n\"c, d\"\n");
        let got = select(&bench, &key, sql, csv_with_names(), JsonOutput::default()).await;
        let records: Vec<serde_json::Value> = got.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(records[1]["name"], "c, d");
        let all = CsvInput::default();
        let got = select(
            &bench,
            &key,
            "Select s._1 from COSObject s",
            all,
            CsvOutput::default(),
        )
        .await;
        assert_eq!(got, "name\nann\nbob\n\"c, d\"\n");
    })
    .await;
}

#[tokio::test]
async fn records_of_json_are_chosen() {
    conform(&[Needs::Select], async |bench| {
        let key = bench.put("o.json", JSON).await;
        let sql = "Select s.name from COSObject s where s.age < 10";
        let got = select(&bench, &key, sql, JsonInput::Lines, CsvOutput::default()).await;
        assert_eq!(got, "bob\n");
        let all = "Select * from COSObject";
        let got = select(&bench, &key, all, JsonInput::Lines, JsonOutput::default()).await;
        let records: Vec<serde_json::Value> = got.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        assert_eq!(records.len(), 2);
        assert_eq!(records[0]["age"], 41);
    })
    .await;
}

#[tokio::test]
async fn a_compressed_object_is_read_through() {
    conform(&[Needs::Select], async |bench| {
        // "a,1\nb,2\n" by gzip.
        let gzip = "H4sIAAAAAAACA0vUMeRK0jHiAgBu3TVZCAAAAA==";
        use base64::Engine as _;
        let gzip = base64::engine::general_purpose::STANDARD.decode(gzip).unwrap();
        let key = bench.key("o.csv.gz");
        bench.bucket.put_object(key.clone(), gzip).send().await.unwrap();
        let selection = bench.bucket.select_object_content(
            key,
            "Select s._1 from COSObject s",
            CsvInput::default(),
            CsvOutput::default(),
        );
        let selection = selection.compression(CompressionType::Gzip).send().await.unwrap();
        assert_eq!(selection.events.collect(100).await.unwrap(), "a\nb\n");
    })
    .await;
}

#[tokio::test]
async fn the_events_end_with_what_it_took() {
    conform(&[Needs::Select], async |bench| {
        let key = bench.put("o.csv", CSV).await;
        let selection = bench.bucket.select_object_content(
            key,
            "Select * from COSObject",
            CsvInput::default(),
            CsvOutput::default(),
        );
        let selection = selection
            .request_progress(RequestProgress::Enabled)
            .send()
            .await
            .unwrap();
        assert!(!selection.request_id.is_empty());
        let events: Vec<_> = selection.events.try_collect().await.unwrap();
        assert_eq!(events.last(), Some(&SelectEvent::End));
        let stats = events.iter().find_map(|event| match event {
            SelectEvent::Stats(stats) => Some(stats),
            _ => None,
        });
        assert_eq!(stats.unwrap().bytes_scanned, CSV.len() as u64);
    })
    .await;
}

#[tokio::test]
async fn what_is_no_sql_is_refused() {
    conform(&[Needs::Select], async |bench| {
        let key = bench.put("o.csv", CSV).await;
        let selection = bench.bucket.select_object_content(
            key,
            "Bring me everything",
            CsvInput::default(),
            CsvOutput::default(),
        );
        let refused = match selection.send().await {
            Ok(selection) => selection.events.collect(100).await.unwrap_err(),
            Err(error) => error,
        };
        assert!(refused.service().is_some(), "{refused}");
    })
    .await;
}
