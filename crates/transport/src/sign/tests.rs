use super::*;
use serde_json::Value;

fn fixture() -> Value {
    serde_json::from_str(include_str!("../../../../fixtures/cos-api.json")).unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn pairs(value: &Value) -> Vec<(&str, &str)> {
    value
        .as_object()
        .unwrap()
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str().unwrap()))
        .collect()
}

#[test]
fn every_signature_of_the_official_sdk() {
    let fixture = fixture();
    let vectors = fixture["signatures"].as_array().unwrap();
    assert_eq!(vectors.len(), 9);
    for vector in vectors {
        let url = url::Url::parse(text(vector, "url_sent")).unwrap();
        let path = percent_decode(url.path()).unwrap();
        let mut headers = vec![("host", url.host_str().unwrap())];
        headers.extend(
            pairs(&vector["headers_given"])
                .into_iter()
                .filter(|(k, _)| is_signed_header(&k.to_ascii_lowercase())),
        );
        let request = CanonicalRequest::new(text(vector, "method"), &path, pairs(&vector["params"]), headers);
        assert_eq!(request.http_string, text(vector, "http_string"));
        let time = text(vector, "sign_time").parse().unwrap();
        let written = request.authorization(text(&fixture, "secret_id"), text(&fixture, "secret_key"), time);
        assert_eq!(written, text(vector, "authorization"));
        let read = Authorization::from_header(&written).unwrap();
        assert_eq!(
            read.signature,
            request.signature(text(&fixture, "secret_key"), time)
        );
        assert_eq!(read.header_list.join(";"), request.header_list);
    }
}

#[test]
fn the_documented_examples() {
    let fixture = fixture();
    for name in ["put", "get"] {
        let example = &fixture["documented_example"][name];
        let http_string = text(example, "http_string").to_owned();
        let request = CanonicalRequest {
            http_string,
            header_list: String::new(),
            param_list: String::new(),
        };
        let string_to_sign = request.string_to_sign(text(example, "key_time").parse().unwrap());
        assert!(string_to_sign.contains(text(example, "sha1_http_string")));
        assert_eq!(
            hmac_sha1_hex(text(example, "sign_key").as_bytes(), string_to_sign.as_bytes()),
            text(example, "signature")
        );
    }
}

#[test]
fn the_presigned_url_of_the_official_sdk() {
    let fixture = fixture();
    let vector = &fixture["presigned_url"];
    let url = url::Url::parse(text(vector, "url")).unwrap();
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let read = Authorization::from_pairs(query.iter().map(|(k, v)| (k.as_str(), v.as_str()))).unwrap();
    let path = percent_decode(url.path()).unwrap();
    let request = CanonicalRequest::new(
        "GET",
        &path,
        pairs(&vector["params"]),
        [("host", url.host_str().unwrap())],
    );
    assert_eq!(
        request.signature(text(&fixture, "secret_key"), read.key_time),
        read.signature
    );
    assert_eq!(read.param_list, ["response-content-type"]);
}

#[test]
fn malformed_authorizations_name_the_part() {
    for (value, part) in [
        ("", "q-sign-algorithm"),
        ("Basic abc", "q-sign-algorithm"),
        ("q-sign-algorithm=md5", "q-sign-algorithm"),
        ("q-sign-algorithm=sha1", "q-ak"),
        (
            "q-sign-algorithm=sha1&q-ak=a&q-sign-time=1&q-key-time=1;2&q-header-list=&q-url-param-list=&q-signature=s",
            "q-sign-time",
        ),
    ] {
        assert_eq!(
            Authorization::from_header(value),
            Err(MalformedAuthorization(part)),
            "{value}"
        );
    }
}
