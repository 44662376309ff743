"""The official SDK's ordinary client over the whole object API of `coscrypt serve`: what it relies on, the server does."""

import base64
import gzip
import hashlib
import time
import uuid

import pytest
import requests
import urllib3
from qcloud_cos import CosS3Client
from qcloud_cos.crypto import AESProvider

from conftest import BUCKET
from test_sdk_plain import body, refused
from vectors import pattern

MIB = 1 << 20
REGION = "ap-guangzhou"


def source(key, bucket=BUCKET, **more):
    return {"Bucket": bucket, "Key": key, "Region": REGION, **more}


@pytest.fixture
def bucket(plain):
    """A bucket of its own, emptied and removed afterwards: so its listings hold nothing else."""
    name = f"api-{uuid.uuid4().hex[:12]}-1250000000"
    plain.create_bucket(Bucket=name)
    yield name
    versions = plain.list_objects_versions(Bucket=name)
    for entry in versions.get("Version", []) + versions.get("DeleteMarker", []):
        plain.delete_object(Bucket=name, Key=entry["Key"], VersionId=entry["VersionId"])
    for upload in plain.list_multipart_uploads(Bucket=name).get("Upload", []):
        plain.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
    plain.delete_bucket(Bucket=name)


@pytest.fixture
def service_names(coscrypt, monkeypatch):
    """The service's host names lead to the local server, for what the SDK does not send where its settings say."""
    address = ("127.0.0.1", int(coscrypt.endpoint.rsplit(":", 1)[1]))
    connect = urllib3.util.connection.create_connection
    monkeypatch.setattr(urllib3.util.connection, "create_connection", lambda _, *rest, **options: connect(address, *rest, **options))


def upload(plain, bucket, key, pieces, **attributes):
    upload_id = plain.create_multipart_upload(Bucket=bucket, Key=key, **attributes)["UploadId"]
    parts = []
    for number, piece in enumerate(pieces, 1):
        etag = plain.upload_part(Bucket=bucket, Key=key, Body=piece, PartNumber=number, UploadId=upload_id)["ETag"]
        parts.append({"PartNumber": number, "ETag": etag})
    return upload_id, parts


def test_a_multipart_upload(plain, bucket):
    pieces = [pattern(MIB), pattern(MIB + 7), pattern(5)]
    upload_id, parts = upload(plain, bucket, "a/b c.bin", pieces, ContentType="text/x", Metadata={"x-cos-meta-owner": "ann"})
    listed = plain.list_parts(Bucket=bucket, Key="a/b c.bin", UploadId=upload_id)
    assert [(part["PartNumber"], part["Size"]) for part in listed["Part"]] == [("1", str(MIB)), ("2", str(MIB + 7)), ("3", "5")]
    page = plain.list_parts(Bucket=bucket, Key="a/b c.bin", UploadId=upload_id, MaxParts=2, EncodingType="url")
    assert (page["IsTruncated"], page["NextPartNumberMarker"]) == ("true", "2")
    done = plain.complete_multipart_upload(Bucket=bucket, Key="a/b c.bin", UploadId=upload_id, MultipartUpload={"Part": parts})
    digest = hashlib.md5(b"".join(hashlib.md5(piece).digest() for piece in pieces)).hexdigest()
    assert done["ETag"] == f'"{digest}-3"'
    answer = plain.get_object(Bucket=bucket, Key="a/b c.bin")
    assert (answer["Content-Type"], answer["x-cos-meta-owner"]) == ("text/x", "ann")
    assert body(answer) == b"".join(pieces)
    again = {"Bucket": bucket, "Key": "a/b c.bin", "UploadId": upload_id}
    refused(plain.complete_multipart_upload, 404, "NoSuchUpload", **again, MultipartUpload={"Part": parts})


def test_completions_that_are_refused(plain, bucket):
    upload_id, parts = upload(plain, bucket, "k", [pattern(MIB), b"small", b"last"])
    call = {"Bucket": bucket, "Key": "k", "UploadId": upload_id}
    for named, code in [
        (parts[:2][::-1], "InvalidPartOrder"),
        (parts, "EntityTooSmall"),
        ([{**parts[0], "ETag": parts[1]["ETag"]}], "InvalidPart"),
    ]:
        refused(plain.complete_multipart_upload, 400, code, **call, MultipartUpload={"Part": named})
    plain.abort_multipart_upload(**call)
    refused(plain.list_parts, 404, "NoSuchUpload", **call)


def test_listing_uploads(plain, bucket):
    begun = [(key, plain.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]) for key in ["a", "dir/1", "dir/2", "z é"]]
    everything = plain.list_multipart_uploads(Bucket=bucket)
    assert [(upload["Key"], upload["UploadId"]) for upload in everything["Upload"]] == begun
    folded = plain.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [prefix["Prefix"] for prefix in folded["CommonPrefixes"]] == ["dir/"]
    first = plain.list_multipart_uploads(Bucket=bucket, MaxUploads=3)
    assert first["IsTruncated"] == "true"
    rest = plain.list_multipart_uploads(Bucket=bucket, KeyMarker=first["NextKeyMarker"], UploadIdMarker=first["NextUploadIdMarker"])
    assert [upload["Key"] for upload in rest["Upload"]] == ["z é"]
    assert len(plain.list_multipart_uploads(Bucket=bucket, Prefix="dir/")["Upload"]) == 2


def test_copying_parts(plain, bucket):
    data = pattern(3 * MIB)
    plain.put_object(Bucket=bucket, Key="source", Body=data)
    upload_id = plain.create_multipart_upload(Bucket=bucket, Key="target")["UploadId"]
    parts = []
    for number, span in enumerate([f"bytes=0-{MIB - 1}", f"bytes={MIB}-{3 * MIB - 1}"], 1):
        copied = plain.upload_part_copy(
            Bucket=bucket, Key="target", PartNumber=number, UploadId=upload_id, CopySource=source("source", bucket), CopySourceRange=span
        )
        parts.append({"PartNumber": number, "ETag": copied["ETag"]})
    plain.complete_multipart_upload(Bucket=bucket, Key="target", UploadId=upload_id, MultipartUpload={"Part": parts})
    assert body(plain.get_object(Bucket=bucket, Key="target")) == data


def test_the_transfer_manager(plain, bucket, tmp_path, monkeypatch, service_names, sdk_config):
    monkeypatch.setenv("HOME", str(tmp_path))
    data = pattern(5 * MIB + 12345)
    (tmp_path / "in").write_bytes(data)
    up = plain.upload_file(Bucket=bucket, Key="big", LocalFilePath=str(tmp_path / "in"), PartSize=1, MAXThread=3, EnableMD5=True)
    assert up["ETag"].endswith('-6"')
    plain.download_file(Bucket=bucket, Key="big", DestFilePath=str(tmp_path / "out"), PartSize=1, MAXThread=3, EnableCRC=True)
    assert (tmp_path / "out").read_bytes() == data
    plain.copy(Bucket=bucket, Key="copy", CopySource=source("big", bucket))
    assert body(plain.get_object(Bucket=bucket, Key="copy")) == data
    # Another class makes it a copy by parts.
    config = sdk_config()
    config.set_copy_part_threshold_size(2 * MIB)
    CosS3Client(config, retry=0).copy(Bucket=bucket, Key="parts", CopySource=source("big", bucket), PartSize=2, StorageClass="STANDARD_IA")
    copied = plain.head_object(Bucket=bucket, Key="parts")
    assert (copied["x-cos-storage-class"], copied["Content-Length"]) == ("STANDARD_IA", str(len(data)))
    assert copied["ETag"].endswith('-3"')
    assert copied["x-cos-hash-crc64ecma"] == plain.head_object(Bucket=bucket, Key="big")["x-cos-hash-crc64ecma"]


def test_an_upload_goes_on_where_it_stopped(plain, bucket, tmp_path):
    data = pattern(3 * MIB + 1)
    (tmp_path / "in").write_bytes(data)
    upload(plain, bucket, "resumed", [data[:MIB], data[MIB : 2 * MIB]])
    plain.upload_file(Bucket=bucket, Key="resumed", LocalFilePath=str(tmp_path / "in"), PartSize=1)
    assert "Upload" not in plain.list_multipart_uploads(Bucket=bucket)
    assert body(plain.get_object(Bucket=bucket, Key="resumed")) == data


def test_the_encryption_client_in_parts(encrypting, plain, bucket, tmp_path):
    client = encrypting(AESProvider(aes_key=base64.b64encode(bytes(32)).decode()))
    pieces = [pattern(MIB), pattern(MIB), pattern(77)]
    upload_id = client.create_multipart_upload(Bucket=bucket, Key="sealed")["UploadId"]
    for number, piece in enumerate(pieces, 1):
        client.upload_part(Bucket=bucket, Key="sealed", Body=piece, PartNumber=number, UploadId=upload_id)
    listed = client.list_parts(Bucket=bucket, Key="sealed", UploadId=upload_id)
    client.complete_multipart_upload(Bucket=bucket, Key="sealed", UploadId=upload_id, MultipartUpload={"Part": listed["Part"]})

    def opened(key):
        client.get_object(Bucket=bucket, Key=key)["Body"].get_stream_to_file(str(tmp_path / "out"))
        return (tmp_path / "out").read_bytes()

    assert opened("sealed") == b"".join(pieces)
    assert body(plain.get_object(Bucket=bucket, Key="sealed")) != b"".join(pieces)
    (tmp_path / "in").write_bytes(b"".join(pieces))
    # With more threads the SDK encrypts the parts in whichever order they run.
    client.upload_file(Bucket=bucket, Key="file", LocalFilePath=str(tmp_path / "in"), PartSize=1, MAXThread=1)
    assert opened("file") == b"".join(pieces)


def test_copying_objects(plain, bucket):
    plain.put_object(Bucket=bucket, Key="目录/é+ %", Body=b"data", Metadata={"x-cos-meta-a": "1"}, ContentType="text/x")
    copied = plain.copy_object(Bucket=bucket, Key="copy", CopySource=source("目录/é+ %", bucket))
    assert copied["ETag"] == f'"{hashlib.md5(b"data").hexdigest()}"' and copied["LastModified"]
    head = plain.head_object(Bucket=bucket, Key="copy")
    assert (head["x-cos-meta-a"], head["Content-Type"]) == ("1", "text/x")
    replaced = {"Bucket": bucket, "Key": "copy", "CopySource": source("copy", bucket)}
    refused(plain.copy_object, 400, "InvalidRequest", **replaced)
    plain.copy_object(**replaced, CopyStatus="Replaced", Metadata={"x-cos-meta-b": "2"})
    head = plain.head_object(Bucket=bucket, Key="copy")
    assert "x-cos-meta-a" not in head and head["x-cos-meta-b"] == "2"
    refused(plain.copy_object, 404, "NoSuchCopySource", Bucket=bucket, Key="x", CopySource=source("absent", bucket))
    refused(plain.copy_object, 412, "PreconditionFailed", **{**replaced, "Key": "x"}, CopySourceIfMatch='"other"')


def test_versions(plain, bucket):
    plain.put_object(Bucket=bucket, Key="k", Body=b"null")
    plain.put_bucket_versioning(Bucket=bucket, Status="Enabled")
    assert plain.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    first = plain.put_object(Bucket=bucket, Key="k", Body=b"first")["x-cos-version-id"]
    second = plain.put_object(Bucket=bucket, Key="k", Body=b"second")["x-cos-version-id"]
    assert body(plain.get_object(Bucket=bucket, Key="k", VersionId=first)) == b"first"
    assert plain.head_object(Bucket=bucket, Key="k")["x-cos-version-id"] == second
    gone = plain.delete_object(Bucket=bucket, Key="k")
    assert gone["x-cos-delete-marker"] == "true"
    refused(plain.get_object, 404, "NoSuchKey", Bucket=bucket, Key="k")
    listed = plain.list_objects_versions(Bucket=bucket, EncodingType="url")
    assert [entry["VersionId"] for entry in listed["Version"]] == [second, first, "null"]
    assert [(entry["VersionId"], entry["IsLatest"]) for entry in listed["DeleteMarker"]] == [(gone["x-cos-version-id"], "true")]
    page = plain.list_objects_versions(Bucket=bucket, MaxKeys=2)
    rest = plain.list_objects_versions(Bucket=bucket, KeyMarker=page["NextKeyMarker"], VersionIdMarker=page["NextVersionIdMarker"])
    assert [entry["VersionId"] for entry in rest["Version"]] == [first, "null"]
    copied = plain.copy_object(Bucket=bucket, Key="c", CopySource=source("k", bucket, VersionId=first))
    assert copied["x-cos-copy-source-version-id"] == first
    assert body(plain.get_object(Bucket=bucket, Key="c")) == b"first"
    plain.delete_object(Bucket=bucket, Key="k", VersionId=gone["x-cos-version-id"])
    assert body(plain.get_object(Bucket=bucket, Key="k")) == b"second"
    refused(plain.get_object, 404, "NoSuchVersion", Bucket=bucket, Key="k", VersionId="MTg0NDUxODMzMTMwMDM2Njc1ODA")


def test_deleting_many(plain, bucket):
    for key in ["a", "b&<>", "目录/文件"]:
        plain.put_object(Bucket=bucket, Key=key, Body=b"x")
    targets = [{"Key": key} for key in ["a", "b&<>", "目录/文件", "absent"]]
    result = plain.delete_objects(Bucket=bucket, Delete={"Object": targets, "Quiet": "false"})
    assert [entry["Key"] for entry in result["Deleted"]] == [target["Key"] for target in targets]
    assert "Contents" not in plain.list_objects(Bucket=bucket)
    assert "Deleted" not in (plain.delete_objects(Bucket=bucket, Delete={"Object": targets, "Quiet": "true"}) or {})


def test_appending(plain, bucket):
    first = plain.append_object(Bucket=bucket, Key="log", Position=0, Data=b"one")
    assert first["x-cos-next-append-position"] == "3"
    second = plain.append_object(Bucket=bucket, Key="log", Position=3, Data=b" two")
    assert second["x-cos-next-append-position"] == "7"
    assert body(plain.get_object(Bucket=bucket, Key="log")) == b"one two"
    refused(plain.append_object, 409, "AppendPositionErr", Bucket=bucket, Key="log", Position=3, Data=b"x")
    plain.put_object(Bucket=bucket, Key="plain", Body=b"x")
    refused(plain.append_object, 409, "ObjectNotAppendable", Bucket=bucket, Key="plain", Position=1, Data=b"x")


def test_restoring(plain, bucket):
    plain.put_object(Bucket=bucket, Key="cold", Body=b"data", StorageClass="ARCHIVE")
    refused(plain.get_object, 403, "InvalidObjectState", Bucket=bucket, Key="cold")
    request = {"Days": 1, "CASJobParameters": {"Tier": "Expedited"}}
    plain.restore_object(Bucket=bucket, Key="cold", RestoreRequest=request)
    refused(plain.restore_object, 409, "RestoreAlreadyInProgress", Bucket=bucket, Key="cold", RestoreRequest=request)
    assert plain.head_object(Bucket=bucket, Key="cold")["x-cos-restore"] == 'ongoing-request="true"'
    deadline = time.monotonic() + 20
    while "true" in plain.head_object(Bucket=bucket, Key="cold")["x-cos-restore"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert body(plain.get_object(Bucket=bucket, Key="cold")) == b"data"
    plain.put_object(Bucket=bucket, Key="warm", Body=b"data")
    refused(plain.restore_object, 405, "RestoreNonArchiveObject", Bucket=bucket, Key="warm", RestoreRequest=request)


def test_tags(plain, bucket):
    plain.put_object(Bucket=bucket, Key="k", Body=b"x")
    tags = [{"Key": "a", "Value": "1"}, {"Key": "ö", "Value": "2 & 3"}]
    plain.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": {"Tag": tags}})
    assert plain.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]["Tag"] == tags
    plain.delete_object_tagging(Bucket=bucket, Key="k")
    assert "Tag" not in (plain.get_object_tagging(Bucket=bucket, Key="k").get("TagSet") or {})


def test_access(plain, bucket, sdk_config):
    anonymous = CosS3Client(sdk_config(SecretId=None, SecretKey=None, Anonymous=True), retry=0)
    plain.put_object(Bucket=bucket, Key="k", Body=b"data")
    refused(anonymous.get_object, 403, "AccessDenied", Bucket=bucket, Key="k")
    plain.put_object_acl(Bucket=bucket, Key="k", ACL="public-read")
    assert body(anonymous.get_object(Bucket=bucket, Key="k")) == b"data"
    acl = plain.get_object_acl(Bucket=bucket, Key="k")
    assert acl["CannedACL"] == "public-read"
    assert [grant["Permission"] for grant in acl["AccessControlList"]["Grant"]] == ["FULL_CONTROL", "READ"]
    plain.put_object_acl(Bucket=bucket, Key="k", GrantRead='id="100000000002"')
    refused(anonymous.get_object, 403, "AccessDenied", Bucket=bucket, Key="k")
    plain.put_bucket_acl(Bucket=bucket, ACL="public-read")
    assert plain.get_bucket_acl(Bucket=bucket)["CannedACL"] == "public-read"


def test_presigned_urls(plain, bucket, service_names, sdk_config):
    plain.put_object(Bucket=bucket, Key="a b", Body=b"data")
    url = CosS3Client(sdk_config(IP=None, Port=None)).get_presigned_url(Method="GET", Bucket=bucket, Key="a b", Expired=60)
    answer = requests.get(url, timeout=10)
    assert (answer.status_code, answer.content) == (200, b"data"), answer.text


def test_buckets(plain, bucket, service_names):
    assert bucket in [entry["Name"] for entry in plain.list_buckets()["Buckets"]["Bucket"]]
    assert plain.bucket_exists(Bucket=bucket)
    refused(plain.create_bucket, 409, "BucketAlreadyOwnedByYou", Bucket=bucket)
    plain.put_object(Bucket=bucket, Key="k", Body=b"x")
    refused(plain.delete_bucket, 409, "BucketNotEmpty", Bucket=bucket)


def test_a_traffic_limit(plain, bucket):
    plain.put_object(Bucket=bucket, Key="k", Body=b"x", TrafficLimit="819200")
    refused(plain.put_object, 400, "InvalidArgument", Bucket=bucket, Key="k", Body=b"x", TrafficLimit="1000")


def test_selecting(plain, bucket):
    plain.put_object(Bucket=bucket, Key="people.csv", Body=b"name,age\nann,31\nbo,7\n")
    answer = plain.select_object_content(
        Bucket=bucket,
        Key="people.csv",
        Expression="Select s.name from COSObject s where cast(s.age as int) > 30",
        ExpressionType="SQL",
        InputSerialization={"CompressionType": "NONE", "CSV": {"FileHeaderInfo": "USE", "RecordDelimiter": "\n"}},
        OutputSerialization={"CSV": {"RecordDelimiter": "\n"}},
        RequestProgress={"Enabled": "TRUE"},
    )
    assert answer["Payload"].get_select_result() == b"ann\n"
    plain.put_object(Bucket=bucket, Key="lines", Body=gzip.compress(b'{"a": 1}\n{"a": 2}\n'))
    answer = plain.select_object_content(
        Bucket=bucket,
        Key="lines",
        Expression="Select * from COSObject s where s.a = 2",
        ExpressionType="SQL",
        InputSerialization={"CompressionType": "GZIP", "JSON": {"Type": "LINES"}},
        OutputSerialization={"JSON": {"RecordDelimiter": "\n"}},
    )
    events = list(answer["Payload"])
    assert events[0]["Records"]["Payload"] == b'{"a":2}\n'
    assert events[-2]["Stats"]["Details"]["BytesReturned"] == "8" and events[-1] == {"End": {}}
