// The official Go SDK against `coscrypt serve`. It checks CRC-64 on its own, and signs and encodes in its own way.
package peer

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cos "github.com/tencentyun/cos-go-sdk-v5"
)

const (
	bucket    = "interop-1250000000"
	secretID  = "AKIDINTEROP00000000000000000000000000"
	secretKey = "interop-secret-key-0000000000000"
)

var names = []string{
	"plain.bin", "with space.bin", "目录/文件 é.bin", "a//b/c", "+~*()!'&=?#%25.bin", strings.Repeat("é", 425),
}

var (
	ctx     = context.Background()
	address string
)

func TestMain(m *testing.M) {
	home, err := os.MkdirTemp("", "coscrypt-go-")
	if err != nil {
		panic(err)
	}
	server := exec.Command(os.Getenv("COSCRYPT"), "serve", filepath.Join(home, "store"),
		"--listen", "127.0.0.1:0", "--bucket", bucket)
	server.Env = []string{"HOME=" + home, "COS_SECRET_ID=" + secretID, "COS_SECRET_KEY=" + secretKey}
	server.Stderr = os.Stderr
	stdout, err := server.StdoutPipe()
	if err == nil {
		err = server.Start()
	}
	if err != nil {
		panic(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		panic("the server said nothing: " + err.Error())
	}
	address = strings.TrimSpace(strings.TrimPrefix(line, "endpoint: "))

	code := m.Run()
	server.Process.Kill()
	server.Wait()
	os.RemoveAll(home)
	os.Exit(code)
}

// client puts the bucket before the host, as for the real service, and connects to the local server.
func client(t *testing.T, bucket, secret string) *cos.Client {
	host, _ := url.Parse("http://" + bucket + ".cos.ap-guangzhou.myqcloud.com")
	proxy, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	transport := &cos.AuthorizationTransport{
		SecretID: secretID, SecretKey: secret,
		Transport: &http.Transport{Proxy: http.ProxyURL(proxy)},
	}
	c := cos.NewClient(&cos.BaseURL{BucketURL: host}, &http.Client{Transport: transport})
	c.Conf.RetryOpt.Count = 1
	return c
}

func pattern(length int) []byte {
	data := make([]byte, length)
	for i := range data {
		data[i] = byte(i*7 + i/251)
	}
	return data
}

func put(t *testing.T, c *cos.Client, key string, data []byte) {
	t.Helper()
	if _, err := c.Object.Put(ctx, key, bytes.NewReader(data), nil); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, c *cos.Client, key string, options *cos.ObjectGetOptions) []byte {
	t.Helper()
	answer, err := c.Object.Get(ctx, key, options)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func refused(t *testing.T, err error, status int, code string) {
	t.Helper()
	refusal, ok := cos.IsCOSError(err)
	if !ok || refusal.Response.StatusCode != status || refusal.Code != code {
		t.Fatalf("not %d %s: %v", status, code, err)
	}
}

func TestPutHeadAndGet(t *testing.T) {
	c := client(t, bucket, secretKey)
	for _, size := range []int{0, 1, 65536, 1<<20 + 3} {
		header := &http.Header{}
		header.Set("x-cos-meta-owner", "ann")
		options := &cos.ObjectPutOptions{ObjectPutHeaderOptions: &cos.ObjectPutHeaderOptions{XCosMetaXXX: header}}
		if _, err := c.Object.Put(ctx, "object", bytes.NewReader(pattern(size)), options); err != nil {
			t.Fatal(size, err)
		}
		head, err := c.Object.Head(ctx, "object", nil)
		if err != nil || head.ContentLength != int64(size) || head.Header.Get("x-cos-meta-owner") != "ann" {
			t.Fatal(size, err, head)
		}
		if !bytes.Equal(get(t, c, "object", nil), pattern(size)) {
			t.Fatal(size, "bytes are not those that were put")
		}
	}
}

func TestNames(t *testing.T) {
	c := client(t, bucket, secretKey)
	for _, name := range names {
		put(t, c, name, []byte(name))
		if string(get(t, c, name, nil)) != name {
			t.Fatal(name)
		}
		page, _, err := c.Bucket.Get(ctx, &cos.BucketGetOptions{Prefix: name})
		if err != nil || len(page.Contents) != 1 || page.Contents[0].Key != name {
			t.Fatal(name, err, page)
		}
		if _, err := c.Object.Delete(ctx, name); err != nil {
			t.Fatal(name, err)
		}
		if there, err := c.Object.IsExist(ctx, name); err != nil || there {
			t.Fatal(name, err)
		}
	}
}

func TestRangeAndConditions(t *testing.T) {
	c := client(t, bucket, secretKey)
	put(t, c, "range", pattern(5000))
	if !bytes.Equal(get(t, c, "range", &cos.ObjectGetOptions{Range: "bytes=17-3000"}), pattern(5000)[17:3001]) {
		t.Fatal("not the range")
	}
	_, err := c.Object.Get(ctx, "range", &cos.ObjectGetOptions{Range: "bytes=5000-"})
	refused(t, err, 416, "InvalidRange")
	_, err = c.Object.Get(ctx, "range", &cos.ObjectGetOptions{XOptionHeader: &http.Header{"If-Match": {`"other"`}}})
	refused(t, err, 412, "PreconditionFailed")
}

func TestPages(t *testing.T) {
	c := client(t, bucket, secretKey)
	var keys, seen []string
	for _, name := range []string{"0", "1", "2", "3", "4", "5", "6"} {
		keys = append(keys, "pages/"+name+" 文")
		put(t, c, "pages/"+name+" 文", []byte("x"))
	}
	for marker, more := "", true; more; {
		page, _, err := c.Bucket.Get(ctx, &cos.BucketGetOptions{Prefix: "pages/", Marker: marker, MaxKeys: 3})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Contents {
			seen = append(seen, item.Key)
		}
		marker, more = page.NextMarker, page.IsTruncated
	}
	if !slices.Equal(seen, keys) {
		t.Fatal(seen)
	}
}

func TestRefusals(t *testing.T) {
	c := client(t, bucket, secretKey)
	_, err := c.Object.Get(ctx, "absent", nil)
	refused(t, err, 404, "NoSuchKey")
	_, err = client(t, "absent-1250000000", secretKey).Object.Get(ctx, "absent", nil)
	refused(t, err, 404, "NoSuchBucket")
	_, err = client(t, bucket, "not-the-secret").Object.Put(ctx, "forged", strings.NewReader("x"), nil)
	refused(t, err, 403, "SignatureDoesNotMatch")
}
