"""The official SDK's ordinary client against `coscrypt serve`: what it relies on, the server does."""

import hashlib

import pytest
from qcloud_cos import CosS3Client, CosServiceError

from conftest import BUCKET
from vectors import pattern

NAMES = ["plain.bin", "with space.bin", "目录/文件 é.bin", "a//b/./c", "+~*()!'&=?#%25.bin", "é" * 425]


def refused(call, status, code, *arguments, **options):
    with pytest.raises(CosServiceError) as refusal:
        call(*arguments, **options)
    error = refusal.value
    assert (error.get_status_code(), error.get_error_code()) == (status, code)
    if error.get_origin_msg():
        assert error.get_request_id() and error.get_trace_id()


def body(answer):
    return answer["Body"].get_raw_stream().read()


@pytest.mark.parametrize("size", [0, 1, 65536, (1 << 20) + 3])
def test_put_head_and_get(plain, size):
    data = pattern(size)
    put = plain.put_object(Bucket=BUCKET, Key="object", Body=data, ContentType="text/x-test", Metadata={"x-cos-meta-owner": "ann"})
    assert put["ETag"] == f'"{hashlib.md5(data).hexdigest()}"'
    head = plain.head_object(Bucket=BUCKET, Key="object")
    assert (head["ETag"], head["Content-Length"], head["Content-Type"]) == (put["ETag"], str(size), "text/x-test")
    assert head["x-cos-meta-owner"] == "ann"
    assert head["x-cos-hash-crc64ecma"] == put["x-cos-hash-crc64ecma"]
    assert head["x-cos-request-id"] and head["Last-Modified"].endswith("GMT")
    assert body(plain.get_object(Bucket=BUCKET, Key="object")) == data


def test_the_documented_crc(plain):
    assert plain.put_object(Bucket=BUCKET, Key="crc", Body=b"123456789")["x-cos-hash-crc64ecma"] == "11051210869376104954"


def test_a_checked_upload(plain):
    assert plain.put_object(Bucket=BUCKET, Key="md5", Body=pattern(5000), EnableMD5=True)["ETag"]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:12])
def test_names(plain, name):
    plain.put_object(Bucket=BUCKET, Key=name, Body=name.encode())
    assert body(plain.get_object(Bucket=BUCKET, Key=name)) == name.encode()
    listed = plain.list_objects(Bucket=BUCKET, Prefix=name)["Contents"]
    assert [item["Key"] for item in listed] == [name]
    plain.delete_object(Bucket=BUCKET, Key=name)
    assert not plain.object_exists(Bucket=BUCKET, Key=name)


@pytest.mark.parametrize("asked, start, end", [("0-0", 0, 1), ("17-3000", 17, 3001), ("4990-", 4990, 5000), ("4990-9999", 4990, 5000)])
def test_a_range(plain, asked, start, end):
    plain.put_object(Bucket=BUCKET, Key="range", Body=pattern(5000))
    answer = plain.get_object(Bucket=BUCKET, Key="range", Range=f"bytes={asked}")
    assert body(answer) == pattern(5000)[start:end]
    assert answer["Content-Range"] == f"bytes {start}-{end - 1}/5000"


def test_a_range_past_the_end(plain):
    plain.put_object(Bucket=BUCKET, Key="range", Body=pattern(5000))
    refused(plain.get_object, 416, "InvalidRange", Bucket=BUCKET, Key="range", Range="bytes=5000-")


def test_conditions(plain):
    etag = plain.put_object(Bucket=BUCKET, Key="conditions", Body=b"data")["ETag"]
    assert body(plain.get_object(Bucket=BUCKET, Key="conditions", IfMatch=etag)) == b"data"
    refused(plain.get_object, 412, "PreconditionFailed", Bucket=BUCKET, Key="conditions", IfMatch='"other"')
    assert body(plain.get_object(Bucket=BUCKET, Key="conditions", IfNoneMatch='"other"')) == b"data"


def test_listing_in_pages_and_by_folder(plain):
    names = [f"list/{folder}/{number:02}" for folder in "ab" for number in range(7)] + ["list/文 件", "list/z"]
    for name in names:
        plain.put_object(Bucket=BUCKET, Key=name, Body=b"x")
    marker, seen = "", []
    while True:
        page = plain.list_objects(Bucket=BUCKET, Prefix="list/", Marker=marker, MaxKeys=5)
        seen += [item["Key"] for item in page["Contents"]]
        assert len(page["Contents"]) <= 5
        if page["IsTruncated"] == "false":
            break
        marker = page["NextMarker"]
    assert seen == sorted(names, key=str.encode)
    folders = plain.list_objects(Bucket=BUCKET, Prefix="list/", Delimiter="/")
    assert [item["Prefix"] for item in folders["CommonPrefixes"]] == ["list/a/", "list/b/"]
    assert sorted(item["Key"] for item in folders["Contents"]) == ["list/z", "list/文 件"]
    assert folders["Contents"][0]["Size"] == "1"


def test_what_is_not_there(plain):
    refused(plain.get_object, 404, "NoSuchKey", Bucket=BUCKET, Key="absent")
    refused(plain.get_object, 404, "NoSuchBucket", Bucket="absent-1250000000", Key="absent")
    assert not plain.object_exists(Bucket=BUCKET, Key="absent")
    assert plain.bucket_exists(Bucket=BUCKET) and not plain.bucket_exists(Bucket="absent-1250000000")


def test_delete_is_idempotent(plain):
    plain.put_object(Bucket=BUCKET, Key="gone", Body=b"x")
    plain.delete_object(Bucket=BUCKET, Key="gone")
    plain.delete_object(Bucket=BUCKET, Key="gone")
    refused(plain.get_object, 404, "NoSuchKey", Bucket=BUCKET, Key="gone")


def test_a_wrong_secret_and_an_unknown_id(sdk_config):
    wrong = CosS3Client(sdk_config(SecretKey="not-the-secret"), retry=0)
    refused(wrong.put_object, 403, "SignatureDoesNotMatch", Bucket=BUCKET, Key="forged", Body=b"x")
    unknown = CosS3Client(sdk_config(SecretId="AKIDNOBODY"), retry=0)
    refused(unknown.put_object, 403, "InvalidAccessKeyId", Bucket=BUCKET, Key="forged", Body=b"x")
    anonymous = CosS3Client(sdk_config(SecretId=None, SecretKey=None, Anonymous=True), retry=0)
    refused(anonymous.get_object, 403, "AccessDenied", Bucket=BUCKET, Key="object")


def test_metadata_over_the_limit(plain):
    refused(plain.put_object, 400, "MetadataTooLarge", Bucket=BUCKET, Key="meta", Body=b"x", Metadata={"x-cos-meta-a": "x" * 2048})
