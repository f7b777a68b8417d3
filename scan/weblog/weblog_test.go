package weblog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"webshellscan/scan/event"
	"webshellscan/scan/weblog"
)

// read reads a log whole.
func read(t *testing.T, name, text string, window weblog.Window, literals ...string) ([]weblog.Request, weblog.Stats) {
	t.Helper()
	format, ok := weblog.Detect([]byte(text[:min(len(text), 64<<10)]))
	if !ok {
		t.Fatalf("no log: %.80q", text)
	}
	reader := weblog.Reader{Format: format, Server: weblog.ServerOf(name), Timed: true, Window: window}
	for _, l := range literals {
		reader.Literals = append(reader.Literals, []byte(l))
	}
	var list []weblog.Request
	stats, err := reader.Read(t.Context(), strings.NewReader(text), func(r *weblog.Request) error {
		list = append(list, *r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list, stats
}

func at(text string) event.Time {
	t, ok := event.ParseTime([]byte(text))
	if !ok {
		panic("no time: " + text)
	}
	return t
}

const w3c = "#Software: Microsoft Internet Information Services 10.0\r\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n"

// TestFormats: a line of each format gives what it says.
func TestFormats(t *testing.T) {
	tests := []struct {
		name, file, text string
		want             weblog.Request
	}{
		{
			"W3C", "u_ex240311.log", w3c + "2024-03-11 09:00:03 10.20.30.10 POST /a.aspx x=1 443 CORP\\u 10.20.6.37 Mozilla/5.0+(X11) - 404 0 0 887\r\n",
			weblog.Request{
				Time: at("2024-03-11 09:00:03"), Stamp: weblog.StampEnd, Duration: 887 * event.Millisecond, Method: "POST", URI: "/a.aspx", Query: "x=1", Status: 404,
				Client: "10.20.6.37", User: `CORP\u`, UserAgent: "Mozilla/5.0 (X11)", ServerIP: "10.20.30.10", Line: 3,
			},
		},
		{
			"W3C in another order", "u.log", "#Fields: time-taken c-ip date time cs-uri-query cs-uri-stem cs-method sc-status s-computername\n135 10.0.0.1 2024-03-11 09:00:53 - /l.aspx POST 200 FLD1\n",
			weblog.Request{
				Time: at("2024-03-11 09:00:53"), Stamp: weblog.StampEnd, Duration: 135 * event.Millisecond, Method: "POST", URI: "/l.aspx", Status: 200,
				Client: "10.0.0.1", Computer: "FLD1", Line: 2,
			},
		},
		{
			"HTTPERR", "httperr1.log", "#Fields: date time c-ip c-port s-ip s-port cs-version cs-method cs-uri streamid sc-status s-siteid s-reason s-queuename\n2024-03-11 10:20:01 198.51.100.77 51515 10.20.30.10 443 HTTP/1.1 GET /0?q - 400 1 URL DefaultAppPool\n",
			weblog.Request{
				Time: at("2024-03-11 10:20:01"), Stamp: weblog.StampEnd, Duration: weblog.Unknown, Method: "GET", URI: "/0", Query: "q", Status: 400,
				Client: "198.51.100.77", Site: "1", Pool: "DefaultAppPool", Reason: "URL", ServerIP: "10.20.30.10", Line: 2,
			},
		},
		{
			"combined", "Apache24/logs/access.log", `192.0.2.45 - - [11/Mar/2024:11:15:56 +0100] "POST /up/a.php?a=b HTTP/1.1" 200 10994 "http://r/" "Mozilla/5.0 \"x\""` + "\n",
			weblog.Request{
				Time: at("2024-03-11 10:15:56"), Duration: weblog.Unknown, Method: "POST", URI: "/up/a.php", Query: "a=b", Status: 200,
				Client: "192.0.2.45", UserAgent: `Mozilla/5.0 \"x\"`, Referer: "http://r/", Line: 1,
			},
		},
		{
			"combined with seconds", "Apache24/logs/access.log", `2001:db8::1 - joe [11/Mar/2024:11:15:56 -0530] "GET / HTTP/2.0" 304 - "-" "curl/8" 0.250` + "\n",
			weblog.Request{
				Time: at("2024-03-11 16:45:56"), Duration: 250 * event.Millisecond, Method: "GET", URI: "/", Status: 304,
				Client: "2001:db8::1", User: "joe", UserAgent: "curl/8", Line: 1,
			},
		},
		{
			"common of Apache with microseconds", "Apache24/logs/access.log", `10.0.0.1 - - [11/Mar/2024:10:00:13 +0000] "GET /x HTTP/1.1" 200 5617 1500` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Duration: 1500 * event.Microsecond, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", Line: 1},
		},
		{
			"common of Tomcat with milliseconds", "logs/localhost_access_log.2024-03-11.txt", `10.0.0.1 - - [11/Mar/2024:10:00:13 +0000] "GET /x HTTP/1.1" 200 5617 726` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Stamp: weblog.StampEither, Duration: 726 * event.Millisecond, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", Line: 1},
		},
		{
			"virtual host", "apache2/other_vhosts_access.log", `www.example:80 10.0.0.1 - - [11/Mar/2024:10:00:13 +0000] "GET /x HTTP/1.1" 200 5 "-" "-"` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Duration: weblog.Unknown, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", Host: "www.example:80", Line: 1},
		},
		{
			"what nginx has by default", "nginx/logs/access.log", `10.0.0.1 - - [11/Mar/2024:10:00:13 +0000] "GET /x HTTP/1.1" 200 5 "-" "curl" "203.0.113.9, 10.0.0.7"` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Stamp: weblog.StampEither, Duration: weblog.Unknown, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", Line: 1, ForwardedFor: "203.0.113.9, 10.0.0.7", UserAgent: "curl"},
		},
		{
			"what nginx has by default, without a proxy", "nginx/logs/access.log", `10.0.0.1 - - [11/Mar/2024:10:00:13 +0000] "GET /x HTTP/1.1" 200 5 "-" "curl" "-"` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Stamp: weblog.StampEither, Duration: weblog.Unknown, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", Line: 1, UserAgent: "curl"},
		},
		{
			"named times of nginx", "nginx/logs/access.log", `10.0.0.1 - - [11/Mar/2024:10:00:13 +0000] "GET /x HTTP/1.1" 200 5 "-" "curl" "203.0.113.9" rt=1.250 uct="0.000" urt="1.2"` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Stamp: weblog.StampEither, Duration: 1250 * event.Millisecond, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", Line: 1, ForwardedFor: "203.0.113.9", UserAgent: "curl"},
		},
		{
			"a ratio of compression is no duration", "Apache24/logs/access.log", `10.0.0.1 - - [11/Mar/2024:10:00:13 +0000] "GET /x HTTP/1.1" 200 5 "-" "curl" "2.34"` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Duration: weblog.Unknown, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", Line: 1, UserAgent: "curl"},
		},
		{
			"whom a proxy names, first", "Apache24/logs/access.log", `203.0.113.9, 10.0.0.7 10.0.0.1 - joe doe [11/Mar/2024:10:00:13 +0000] "GET /x HTTP/1.1" 200 5 "-" "curl"` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Duration: weblog.Unknown, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", Line: 1, ForwardedFor: "203.0.113.9, 10.0.0.7", UserAgent: "curl", User: "joe doe"},
		},
		{
			"no proxy, first", "Apache24/logs/access.log", `- 10.0.0.1 - - [11/Mar/2024:10:00:13 +0000] "GET /x HTTP/1.1" 200 5 "-" "curl"` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Duration: weblog.Unknown, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", Line: 1, UserAgent: "curl"},
		},
		{
			"virtual host without a port", "Apache24/logs/access.log", `shop.example 10.0.0.1 - - [11/Mar/2024:10:00:13 +0000] "GET /x HTTP/1.1" 200 5` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Duration: weblog.Unknown, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", Line: 1, Host: "shop.example"},
		},
		{
			"name of a client", "Apache24/logs/access.log", `pc7.example - - [11/Mar/2024:10:00:13 +0000] "GET /x HTTP/1.1" 200 5` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Duration: weblog.Unknown, Method: "GET", URI: "/x", Status: 200, Client: "pc7.example", Line: 1},
		},
		{
			"common with a proxy behind", "localhost_access_log.txt", `10.0.0.1 - - [11/Mar/2024:10:00:13 +0000] "GET /x HTTP/1.1" 200 5 "203.0.113.9" 31` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Stamp: weblog.StampEither, Duration: 31 * event.Millisecond, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", Line: 1, ForwardedFor: "203.0.113.9"},
		},
		{
			"seconds of Apache", "Apache24/logs/access.log", `10.0.0.1 - - [11/Mar/2024:10:00:13 +0000] "GET /x HTTP/1.1" 200 5 "-" "curl" 12` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Duration: 13 * event.Second, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", Line: 1, UserAgent: "curl"},
		},
		{
			"seconds and microseconds of Apache", "Apache24/logs/access.log", `10.0.0.1 - - [11/Mar/2024:10:00:13 +0000] "GET /x HTTP/1.1" 200 5 "-" "curl" 0/250100` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Duration: 250100 * event.Microsecond, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", Line: 1, UserAgent: "curl"},
		},
		{
			"fraction and zone of Apache", "Apache24/logs/access.log", `10.0.0.1 - - [11/Mar/2024 11:00:13.500 +0100] "GET /x HTTP/1.1" 200 5` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13.5"), Duration: weblog.Unknown, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", Line: 1},
		},
		{
			"ISO 8601", "Apache24/logs/access.log", `10.0.0.1 - - [2024-03-11T11:00:13+01:00] "GET /x HTTP/1.1" 200 5` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Duration: weblog.Unknown, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", Line: 1},
		},
		{
			"common of IIS", "W3SVC1/u_nc240311.log", `10.0.0.1 - - [11/Mar/2024:11:00:13 +0100] "GET /x HTTP/1.1" 200 5` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Duration: weblog.Unknown, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", Line: 1, Stamp: weblog.StampEnd},
		},
		{
			"extended of Tomcat", "access_log.2024-03-11.log", "#Fields: date time c-ip cs-method cs-uri-stem cs-uri-query sc-status time-taken cs(User-Agent) x-H(x) cs(X-Forwarded-For)\n#Version: 2.0\n#Software: Apache Tomcat/9.0.85\n" +
				`2024-03-11 10:00:13 10.0.0.1 GET /x - 200 1.250 "Mozilla/5.0 (X11) ""q""" '-' "203.0.113.9"` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Stamp: weblog.StampEnd, Duration: 1250 * event.Millisecond, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", ForwardedFor: "203.0.113.9", UserAgent: `Mozilla/5.0 (X11) "q"`, Line: 4},
		},
		{
			"IIS", "in240311.log", "192.168.114.201, -, 03/20/24, 7:55:20, W3SVC2, SERVER, 172.21.13.45, 4502, 163, 3223, 200, 0, GET, /DeptLogo.gif, -,\n",
			weblog.Request{
				Time: at("2024-03-20 07:55:20"), Stamp: weblog.StampEnd, Duration: 4502 * event.Millisecond, Method: "GET", URI: "/DeptLogo.gif", Status: 200,
				Client: "192.168.114.201", Site: "W3SVC2", ServerIP: "172.21.13.45", Computer: "SERVER", Line: 1,
			},
		},
		{
			"Exchange", "HttpProxy_2024031110-1.LOG", "#Software: Microsoft Exchange Server\n#Fields: DateTime,RequestId,UrlHost,UrlStem,AuthenticatedUser,UserAgent,ClientIpAddress,ServerHostName,HttpStatus,Method,TotalRequestTime\n2024-03-11T10:05:02.835Z,1,mail,/ecp/x.js,CORP\\a,\"Moz, \"\"x\"\"\",203.0.113.88,MAIL1,200,POST,42\n",
			weblog.Request{
				Time: at("2024-03-11 10:05:02.835"), Stamp: weblog.StampEnd, Duration: 42 * event.Millisecond, Method: "POST", URI: "/ecp/x.js", Status: 200,
				Client: "203.0.113.88", User: `CORP\a`, UserAgent: `Moz, "x"`, Host: "mail", Computer: "MAIL1", Line: 3,
			},
		},
		{
			"nobody's", "access.log", `10.0.0.1 - - [11/Mar/2024:10:00:13 +0000] "GET /x HTTP/1.1" 200 5 12` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Stamp: weblog.StampEither, Duration: 13 * event.Second, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", Line: 1},
		},
		{
			"Jetty", "solr/server/logs/2024_03_11.request.log", `10.0.0.1 -  -  [11/Mar/2024:10:00:13 +0000] "GET /x HTTP/1.1" 200 5` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Duration: weblog.Unknown, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", Line: 1},
		},
		{
			"Jira", "JIRA/logs/access_log.2024-03-11", `10.0.0.1 600x1x1 joe [11/Mar/2024:10:00:13 +0000] "GET /x HTTP/1.1" 200 5 330 "http://r/" "curl" "1abc"` + "\n",
			weblog.Request{
				Time: at("2024-03-11 10:00:13"), Stamp: weblog.StampEither, Duration: 330 * event.Millisecond, Method: "GET", URI: "/x", Status: 200,
				Client: "10.0.0.1", User: "joe", Referer: "http://r/", UserAgent: "curl", Line: 1,
			},
		},
		{
			"Confluence", "Confluence/logs/conf_access_log.2024-03-11.log", "[11/Mar/2024:10:00:13 +0000] joe http-nio-8090-exec-1 10.0.0.1 POST /x.action?a=b HTTP/1.1 200 158ms 8126 http://r/ Mozilla/5.0 (X11)\n",
			weblog.Request{
				Time: at("2024-03-11 10:00:13"), Stamp: weblog.StampEither, Duration: 158 * event.Millisecond, Method: "POST", URI: "/x.action", Query: "a=b", Status: 200,
				Client: "10.0.0.1", User: "joe", Referer: "http://r/", UserAgent: "Mozilla/5.0 (X11)", Line: 1,
			},
		},
		{
			"requests by TLS of XAMPP", "xampp/apache/logs/ssl_request.log", `[11/Mar/2024:10:00:13 +0000] 10.0.0.1 TLSv1.3 TLS_AES_256_GCM_SHA384 "GET /x HTTP/1.1" 11265` + "\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Duration: weblog.Unknown, Method: "GET", URI: "/x", Client: "10.0.0.1", Line: 1},
		},
		{
			"IIS 6", "ex240311.log", "#Software: Microsoft Internet Information Services 6.0\n#Date: 2024-03-11 09:00:00\n#Fields: time c-ip cs-method cs-uri-stem sc-status\n10:00:13 10.0.0.1 GET /x 200\n",
			weblog.Request{Time: at("2024-03-11 10:00:13"), Stamp: weblog.StampEnd, Duration: weblog.Unknown, Method: "GET", URI: "/x", Status: 200, Client: "10.0.0.1", Line: 4},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, _ := read(t, tt.file, tt.text, nil)
			if len(got) != 1 {
				t.Fatalf("%d requests", len(got))
			}
			tt.want.Offset = int64(strings.LastIndexByte(tt.text[:len(tt.text)-1], '\n') + 1)
			if diff := cmp.Diff(tt.want, got[0]); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestFromFields: an event of IIS is a request.
func TestFromFields(t *testing.T) {
	got, ok := weblog.FromFields(at("2024-03-11 10:00:14"), [][2]string{
		{"EnabledFieldsFlags", "1"},
		{"date", "2024-03-11"},
		{"time", "10:00:13"},
		{"c-ip", "10.0.0.1"},
		{"cs-username", "-"},
		{"s-sitename", "W3SVC1"},
		{"cs-method", "POST"},
		{"cs-uri-stem", "/x;a=1"},
		{"cs-uri-query", "-"},
		{"sc-status", "200"},
		{"time-taken", "756"},
		{"csUser-Agent", "a+b"},
		{"csReferer", "http://r/"},
	})
	want := weblog.Request{
		Time: at("2024-03-11 10:00:13"), Stamp: weblog.StampEnd, Duration: 756 * event.Millisecond, Method: "POST", URI: "/x", Parameters: ";a=1", Status: 200,
		Client: "10.0.0.1", Site: "W3SVC1", UserAgent: "a b", Referer: "http://r/",
	}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Error(ok, diff)
	}
	if got, ok := weblog.FromFields(at("2024-03-11 10:00:14"), [][2]string{{"cs-uri-stem", "/x"}}); !ok || got.Time != at("2024-03-11 10:00:14") {
		t.Errorf("without its time: %+v", got)
	}
	if _, ok := weblog.FromFields(0, nil); ok {
		t.Error("nothing is a request")
	}
}

// TestDetect: what is no log of a web server is not taken for one.
func TestDetect(t *testing.T) {
	for _, text := range []string{
		"", "\n", "hello\n", "2024-03-11 09:00:03 something happened\n", "#Fields: date time c-ip cs-method x-session\n",
		"#Software: x\n#Version: 1.0\n", "[11/Mar/2024:10:00:13 +0000] x\n", "a, b, c, d, e, f, g, h, i, j, k, l, m, n, o\n", "\x00\x01\x02",
		"ElfFile\x00", strings.Repeat("#\n", 100) + w3c,
	} {
		if format, ok := weblog.Detect([]byte(text)); ok {
			t.Errorf("%.40q: %s", text, format)
		}
	}
}

// TestLyingFields: a log that says that IIS wrote it is one, whatever its
// columns are called; its lines are counted then.
func TestLyingFields(t *testing.T) {
	for _, fields := range []string{"#Fields: date time", "#Fields:", "#Fields: a b c", "#Fields: date date time time", "#Fields: " + strings.Repeat("x ", 1<<17), ""} {
		text := "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n" + fields + "\r\n2024-03-11 09:00:03 10.20.30.10 GET /a.aspx\r\n"
		if format, ok := weblog.Detect([]byte(text[:min(len(text), 1<<16)])); !ok || format != weblog.W3C {
			t.Errorf("%.40q is not taken for a log", fields)
		}
		got, stats := read(t, "u.log", text, nil)
		if len(got) != 0 || stats.Lines+stats.Bad == 0 || stats.Bad != 1 {
			t.Errorf("%.40q: %d requests, %+v", fields, len(got), stats)
		}
	}
}

// TestBad: bad lines cost themselves, and are counted.
func TestBad(t *testing.T) {
	good := "2024-03-11 09:00:03 10.20.30.10 GET /a.aspx - 443 - 10.20.6.37 x - 200 0 0 1\r\n"
	text := w3c + good + "\x00\x00\x00\r\n" + "rubbish\r\n" + "2024-13-41 09:00:03 x\r\n" + strings.Repeat("y", 3<<20) + "\r\n" +
		"#Fields: date time cs-uri-stem\r\n2024-03-11 08:00:03 /b\r\n" + "2024-03-11 09:00:04 /c"
	got, stats := read(t, "u.log", text, nil)
	var pages []string
	for _, r := range got {
		pages = append(pages, r.URI)
	}
	if diff := cmp.Diff([]string{"/a.aspx", "/b", "/c"}, pages); diff != "" {
		t.Error(diff)
	}
	want := weblog.Stats{Lines: 5, Given: 3, Timed: true, Bad: 3, Long: 1, FirstBad: 5, Backwards: 1, First: at("2024-03-11 08:00:03"), Last: at("2024-03-11 09:00:04"), ServerIPs: []string{"10.20.30.10"}}
	if diff := cmp.Diff(want, stats); diff != "" {
		t.Error(diff)
	}
}

// TestUTF16: a log in UTF-16 is read as one in UTF-8.
func TestUTF16(t *testing.T) {
	text := w3c + strings.Repeat("2024-03-11 09:00:03 10.20.30.10 GET /ä.aspx - 443 - 10.20.6.37 x - 200 0 0 1\r\n", 500)
	var b bytes.Buffer
	b.WriteString("\xFF\xFE")
	for _, unit := range utf16.Encode([]rune(text)) {
		b.Write([]byte{byte(unit), byte(unit >> 8)})
	}
	got, _ := read(t, "u.log", b.String(), nil)
	if len(got) != 500 || got[499].URI != "/ä.aspx" {
		t.Errorf("%d requests", len(got))
	}
}

// TestWindow: only what is asked for is given, and all of it is counted.
func TestWindow(t *testing.T) {
	var text strings.Builder
	text.WriteString(w3c)
	for i := range 600 {
		fmt.Fprintf(&text, "2024-03-11 09:%02d:%02d 10.20.30.10 GET /p%d.aspx - 443 - 10.20.6.37 x - 200 0 0 1\r\n", i/60, i%60, i)
	}
	begin := at("2024-03-11 09:00:00")
	window := weblog.NewWindow([]weblog.Interval{{From: begin + 100*event.Second, To: begin + 110*event.Second}, {From: begin + 105*event.Second, To: begin + 120*event.Second}})
	got, stats := read(t, "u.log", text.String(), window)
	if len(got) != 21 || stats.Lines != 600 || stats.First != begin || stats.Last != begin+599*event.Second {
		t.Errorf("%d requests, %+v", len(got), stats)
	}
	if got, _ := read(t, "u.log", text.String(), nil, "/p33.aspx", "/p590.aspx"); len(got) != 2 {
		t.Errorf("%d requests with a text", len(got))
	}
}

// zeros is a text of zeros without an end, which calls stop after some reads.
type zeros struct {
	reads int
	stop  func()
}

func (z *zeros) Read(p []byte) (int, error) {
	if z.reads--; z.reads == 0 {
		z.stop()
	}
	clear(p)
	return len(p), nil
}

// TestEndlessLine: reading a line without an end can be interrupted, as that of
// a log of many gigabytes which holds nothing but zeros.
func TestEndlessLine(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	text := io.MultiReader(strings.NewReader(w3c), &zeros{reads: 1000, stop: cancel})
	reader := weblog.Reader{Format: weblog.W3C}
	_, err := reader.Read(ctx, text, func(*weblog.Request) error { return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

// TestStops: an error of the caller ends the reading.
func TestStops(t *testing.T) {
	stop := errors.New("enough")
	reader := weblog.Reader{Format: weblog.NCSA}
	line := `10.0.0.1 - - [11/Mar/2024:10:00:13 +0000] "GET /x HTTP/1.1" 200 5` + "\n"
	n := 0
	_, err := reader.Read(t.Context(), strings.NewReader(strings.Repeat(line, 10)), func(*weblog.Request) error { n++; return stop })
	if !errors.Is(err, stop) || n != 1 {
		t.Errorf("%v after %d requests", err, n)
	}
}

func TestSpan(t *testing.T) {
	base := event.FromUnix(1_700_000_000)
	tests := []struct {
		r        weblog.Request
		from, to event.Time
	}{
		{weblog.Request{Time: base, Stamp: weblog.StampEnd, Duration: 2 * event.Second}, base - 3*event.Second, base + event.Second},
		{weblog.Request{Time: base, Stamp: weblog.StampEnd, Duration: weblog.Unknown}, base - 61*event.Second, base + event.Second},
		{weblog.Request{Time: base, Duration: 2 * event.Second}, base, base + 3*event.Second},
		{weblog.Request{Time: base, Duration: weblog.Unknown}, base, base + 61*event.Second},
		{weblog.Request{Time: base, Stamp: weblog.StampEither, Duration: 2 * event.Second}, base - 3*event.Second, base + 3*event.Second},
	}
	for _, tt := range tests {
		if from, to := tt.r.Span(); from != tt.from || to != tt.to {
			t.Errorf("%+v: %s to %s", tt.r, from, to)
		}
	}
}

func TestPage(t *testing.T) {
	tests := map[string]string{
		"/A.aspx": "/a.aspx", "/a%2Easpx": "/a.aspx", "/a;jsessionid=1": "/a", "/%zz": "/%zz", "/%00": "/%00", "/%2541": "/%41", "": "",
		"/a;x=1/b.jsp;y=2;z=3": "/a/b.jsp", "/x.asp;.jpg": "/x.asp;.jpg", "/..;/m": "/..;/m", "/a;": "/a;", "/a;=1": "/a;=1", "/a%3Bx=1": "/a",
	}
	for uri, want := range tests {
		if got := weblog.Page(uri); got != want {
			t.Errorf("Page(%q) = %q, want %q", uri, got, want)
		}
	}
}

// TestServerOf: by which name of a path a server is known.
func TestServerOf(t *testing.T) {
	for path, want := range map[string]weblog.Server{
		"access.log": weblog.ServerUnknown, "C/xampp/apache/logs/access.log": weblog.ServerApache, "xampp/tomcat/logs/localhost_access_log.txt": weblog.ServerTomcat,
		"Apache Software Foundation/logs/x.log": weblog.ServerUnknown, "Apache Software Foundation/Tomcat 9.0/logs/a.log": weblog.ServerTomcat,
		"Apache Software Foundation/Tomcat 10.1/logs/a.log": weblog.ServerTomcat10, "apache-tomcat-11/logs/a.log": weblog.ServerTomcat10, "tomcat-1.5/a.log": weblog.ServerTomcat,
		"Apache Software Foundation/Apache2.4/logs/access.log": weblog.ServerApache, "nginx-1.24.0/logs/access.log": weblog.ServerNginx,
		"W3SVC1/my.log": weblog.ServerIIS, "logs/u_nc240311.log": weblog.ServerIIS, "2024_03_11.request.log": weblog.ServerJetty,
	} {
		if got := weblog.ServerOf(path); got != want {
			t.Errorf("%s: %d, want %d", path, got, want)
		}
	}
}

// TestUnitOf: durations tell their unit by what they would mean.
func TestUnitOf(t *testing.T) {
	for _, tt := range []struct {
		name      string
		server    weblog.Server
		durations []float64
		want      event.Time
	}{
		{"nothing", weblog.ServerTomcat, nil, 0},
		{"Tomcat 9", weblog.ServerTomcat, []float64{3, 40, 330, 700, 9000}, event.Millisecond},
		{"a slow Tomcat 9", weblog.ServerTomcat, []float64{100, 900, 4000, 9000, 90000}, event.Millisecond},
		{"what is called Tomcat 9, and is 10", weblog.ServerTomcat, []float64{1000, 40_000, 330_000, 700_000}, event.Microsecond},
		{"Tomcat 10", weblog.ServerTomcat10, []float64{400, 900, 4000, 700_000}, event.Microsecond},
		{"what is called Tomcat 10, and is 9", weblog.ServerTomcat10, []float64{1, 40, 330, 700}, event.Millisecond},
		{"Apache", weblog.ServerApache, []float64{250, 400, 800, 900_000}, event.Microsecond},
		{"Apache with %T", weblog.ServerApache, []float64{0, 0, 0, 1, 30}, event.Second},
		{"Apache with %{ms}T", weblog.ServerApache, []float64{0, 3, 80, 5000}, event.Millisecond},
		{"nobody's, of milliseconds", weblog.ServerUnknown, []float64{100, 187, 330, 485}, event.Millisecond},
		{"nobody's, of microseconds", weblog.ServerUnknown, []float64{300, 2000, 5000, 90_000}, event.Microsecond},
	} {
		if got := weblog.UnitOf(tt.server, tt.durations); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

// TestMidnight: a log without dates goes on after midnight.
func TestMidnight(t *testing.T) {
	const text = "#Software: Microsoft Internet Information Services 5.0\n#Date: 2024-03-11 23:00:00\n#Fields: time c-ip cs-method cs-uri-stem sc-status\n" +
		"23:59:59 10.0.0.1 GET /a 200\n00:00:01 10.0.0.1 GET /b 200\n00:00:00 10.0.0.1 GET /c 200\n#Date: 2024-03-13 01:00:00\n01:00:01 10.0.0.1 GET /d 200\n"
	got, stats := read(t, "ex240311.log", text, nil)
	var times []string
	for _, r := range got {
		times = append(times, r.Time.String())
	}
	want := []string{"2024-03-11T23:59:59", "2024-03-12T00:00:01", "2024-03-12T00:00:00", "2024-03-13T01:00:01"}
	if !slices.EqualFunc(times, want, strings.HasPrefix) || stats.Bad != 0 {
		t.Errorf("times %q, want %q; %+v", times, want, stats)
	}
}

// TestLongRequest: a request that ran within the window is given, however long
// before or after it the line is stamped; a day is the bound.
func TestLongRequest(t *testing.T) {
	base := at("2024-03-11 09:00:00")
	window := weblog.NewWindow([]weblog.Interval{{From: base, To: base + event.Minute}})
	line := func(after event.Time, took int) string {
		return fmt.Sprintf("%s 10.20.30.10 GET /a.aspx - 443 - 10.20.6.37 x - 200 0 0 %d\r\n", (base + after).Time().Format(time.DateTime), took)
	}
	nginx := func(after event.Time, took float64) string {
		return fmt.Sprintf("10.0.0.1 - - [%s] \"GET /x HTTP/1.1\" 200 5 \"-\" \"curl\" %.3f\n", (base + after).Time().Format("02/Jan/2006:15:04:05 -0700"), took)
	}
	for _, tt := range []struct {
		name, file, text string
		want             int
	}{
		{"ended an hour later", "u.log", w3c + line(event.Hour, 3_600_000), 1},
		{"began after it", "u.log", w3c + line(event.Hour, 3_500_000), 0},
		{"as many digits, but too short", "u.log", w3c + line(event.Hour, 1_000_000), 0},
		{"before it", "u.log", w3c + line(-event.Hour, 9_600_000), 0},
		{"ended two days later", "u.log", w3c + line(48*event.Hour, 200_000_000), 0},
		{"its column in another place", "u.log", "#Fields: time-taken date time cs-uri-stem\n3600000 2024-03-11 10:00:00 /a\n5 2024-03-11 10:00:00 /a\n", 1},
		{"of nginx", "nginx/access.log", nginx(event.Hour, 3600), 1},
		{"of nginx, short", "nginx/access.log", nginx(event.Hour, 36), 0},
		{"of Apache, which began before", "apache/access.log", nginx(-event.Hour, 3700), 1},
		{"of Apache, which began after", "apache/access.log", nginx(event.Hour, 3700), 0},
	} {
		if got, stats := read(t, tt.file, tt.text, window); len(got) != tt.want || stats.Given != tt.want || stats.Bad != 0 {
			t.Errorf("%s: %d requests, want %d; %+v", tt.name, len(got), tt.want, stats)
		}
	}
	reader := weblog.Reader{Format: weblog.NCSA, Window: window}
	if stats, err := reader.Read(t.Context(), strings.NewReader(nginx(event.Hour, 3600)), nil); stats.Given != 0 || err != nil {
		t.Errorf("of a log that is not said to have durations: %+v, %v", stats, err)
	}
}

// TestReachedServer: which requests of the log of HTTP.sys a worker had.
func TestReachedServer(t *testing.T) {
	for _, tt := range []struct {
		pool, reason string
		want         bool
	}{
		{"", "", true},
		{"www", "URL", false},
		{"www", "QueueFull", false},
		{"www", "AppOffline", false},
		{"www", "Timer_AppPool", false},
		{"", "Hostname", false},
		{"www", "", false},
		{"www", "Connection_Abandoned_By_ReqQueue", true},
		{"www", "Connection_Abandoned_By_AppPool", true},
		{"", "Timer_Response", true},
	} {
		r := weblog.Request{Pool: tt.pool, Reason: tt.reason}
		if got := r.ReachedServer(); got != tt.want {
			t.Errorf("%q %q: %v", tt.pool, tt.reason, got)
		}
	}
}

// TestIsNamed: what is called a log of requests.
func TestIsNamed(t *testing.T) {
	for name, want := range map[string]bool{
		"a/access.log": true, "access_log.2024-03-11": true, "localhost_access_log.2024-03-11.txt": true, "Access.log.1": true, "conf_access_log.log": true,
		"other_vhosts_access.log": true, "accesslog.txt": true, "error.log": false, "access/x.log": false, "accessible.log": false, "": false,
	} {
		if got := weblog.IsNamed(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

// TestParameters: parameters of a path stand beside it.
func TestParameters(t *testing.T) {
	got, _ := read(t, "access.log", `10.0.0.1 - - [11/Mar/2024:10:00:13 +0000] "GET /A/b.jsp;jsessionid=0A;v=1?x=1;y HTTP/1.1" 200 5`+"\n", nil)
	if r := got[0]; r.URI != "/A/b.jsp" || r.Parameters != ";jsessionid=0A;v=1" || r.Query != "x=1;y" {
		t.Errorf("%+v", r)
	}
}

// TestIsStatic: what is sent as it is.
func TestIsStatic(t *testing.T) {
	for _, tt := range []struct {
		method, uri string
		want        bool
	}{
		{"GET", "/a/logo.JPG", true},
		{"GET", "/a.aspx", false},
		{"GET", "/", false},
		{"POST", "/a/logo.jpg", false},
		{"PUT", "/a.txt", false},
		{"GET", "/x.asp;.jpg", false},
		{"GET", "/x.jpg;.asp", true},
		{"GET", "/x.asp/y.jpg", true},
		{"GET", "", false},
	} {
		r := weblog.Request{Method: tt.method, URI: tt.uri}
		if got := r.IsStatic(); got != tt.want {
			t.Errorf("%s %s: %v", tt.method, tt.uri, got)
		}
	}
}

// TestReadConfig: which pool serves which path of which site.
func TestReadConfig(t *testing.T) {
	longest := `c:\` + strings.Repeat("a", weblog.MaxRoot-3)
	longRoots := fmt.Sprintf(`<virtualDirectory path="/l" physicalPath="%s"/><virtualDirectory path="/m" physicalPath="%sa"/>`, longest, longest)
	text := `<?xml version="1.0" encoding="UTF-8"?><configuration><system.applicationHost><sites>
<site name="Old" id="7"><application path="/" applicationPool="old"/><application path="/api" applicationPool="api"/>
<application path="/img"><virtualDirectory path="/" physicalPath="%SystemDrive%\Shop/Img\"/><virtualDirectory path="/x" physicalPath="D:\"/>
<virtualDirectory path="/y" physicalPath="%HOME%\y"/><virtualDirectory path="/z" physicalPath="\\nas\www"/>` + longRoots + `</application>
<bindings><binding protocol="https" bindingInformation="*:443:Old.example"/></bindings></site>
<site name="New" id="8"><application path="/"/></site>
<applicationDefaults applicationPool="dflt"/></sites></system.applicationHost></configuration>`
	c, err := weblog.ReadConfig(strings.NewReader(text))
	if err != nil || len(c.Sites) != 2 {
		t.Fatalf("%v, %+v", err, c)
	}
	for path, want := range map[string]string{"/": "old", "/x.aspx": "old", "/API/x": "api", "/apix": "old"} {
		if got := c.Sites[0].PoolOf(path); got != want {
			t.Errorf("pool of %s: %q, want %q", path, got, want)
		}
	}
	if got := c.Sites[1].PoolOf("/x"); got != "dflt" {
		t.Errorf("default pool %q", got)
	}
	if want := []string{`c:\shop\img`, `\\nas\www`, longest}; !slices.Equal(c.Sites[0].Roots, want) {
		t.Errorf("folders %q, want %q", c.Sites[0].Roots, want)
	}
	if c.Sites[0].Hosts[0] != "old.example" {
		t.Errorf("hosts %v", c.Sites[0].Hosts)
	}
	if c, err := weblog.ReadConfig(strings.NewReader(text[:300])); err == nil || len(c.Sites) == 0 {
		t.Errorf("of a cut configuration: %v, %+v", err, c)
	}
}

// FuzzRead: no text makes the reader panic, hang or give what is not there.
func FuzzRead(f *testing.F) {
	f.Add([]byte(w3c+"2024-03-11 09:00:03 10.20.30.10 POST /a.aspx x=1 443 - 10.20.6.37 x - 404 0 0 887\r\n"), uint8(weblog.W3C))
	f.Add([]byte(`192.0.2.45 - - [11/Mar/2024:11:15:56 +0100] "POST /up/a.php HTTP/1.1" 200 10994 "-" "x" 0.1`+"\n"), uint8(weblog.NCSA))
	f.Add([]byte("192.168.114.201, -, 03/20/24, 7:55:20, W3SVC2, S, 1.2.3.4, 4502, 163, 3223, 200, 0, GET, /x.gif, -,\n"), uint8(weblog.IIS))
	f.Add([]byte("#Fields: DateTime,UrlStem,Method\n2024-03-11T10:05:02.835Z,\"/e\"\"cp\",POST\n"), uint8(weblog.Exchange))
	f.Fuzz(func(t *testing.T, text []byte, format uint8) {
		weblog.Detect(text)
		reader := weblog.Reader{Format: weblog.Format(format % 5)}
		given := 0
		stats, err := reader.Read(t.Context(), bytes.NewReader(text), func(r *weblog.Request) error {
			given++
			if r.Offset < 0 || r.Offset >= int64(len(text))*2+2 || r.URI == "" {
				t.Errorf("%+v", r)
			}
			r.Span()
			r.Page()
			return nil
		})
		if err != nil || given != stats.Given || stats.Given+stats.Bad > stats.Lines+stats.Long {
			t.Errorf("%d requests, %+v, %v", given, stats, err)
		}
	})
}

// TestCorpus reads every web log of the scenarios without a bad line.
func TestCorpus(t *testing.T) {
	const corpus = "../../../shared/corpus/story"
	if _, err := os.Stat(corpus); err != nil {
		t.Skip("no corpus beside the repository")
	}
	n := 0
	err := filepath.WalkDir(corpus, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(strings.ToLower(path), ".log") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		n++
		if got, stats := read(t, path, string(b), nil); stats.Bad > 0 || len(got) != stats.Lines || stats.Lines == 0 {
			t.Errorf("%s: %+v", path, stats)
		}
		return nil
	})
	if err != nil || n == 0 {
		t.Errorf("%d logs, %v", n, err)
	}
}

// BenchmarkRead: lines outside the window, which most are, and lines within.
func BenchmarkRead(b *testing.B) {
	var w, n strings.Builder
	w.WriteString(w3c)
	for i := range 50_000 {
		fmt.Fprintf(&w, "2024-03-11 09:%02d:%02d 10.20.30.10 GET /products/p%d.aspx id=%d 443 - 10.20.6.%d Mozilla/5.0+(X11;+Linux+x86_64;+rv:123.0)+Gecko/20100101+Firefox/123.0 - 200 0 0 %d\r\n", i/1000, i/20%60, i%50, i, i%250, i%900)
		fmt.Fprintf(&n, "10.20.6.%d - - [11/Mar/2024:09:%02d:%02d +0200] \"GET /p%d.php?id=%d HTTP/1.1\" 200 6774 \"-\" \"Mozilla/5.0 (X11; Linux x86_64; rv:123.0) Gecko/20100101 Firefox/123.0\"\n", i%250, i/1000, i/20%60, i%50, i)
	}
	never := weblog.Window{}
	for _, bb := range []struct {
		name, text string
		format     weblog.Format
		window     weblog.Window
	}{{"W3C/outside", w.String(), weblog.W3C, never}, {"W3C/within", w.String(), weblog.W3C, nil}, {"NCSA/outside", n.String(), weblog.NCSA, never}, {"NCSA/within", n.String(), weblog.NCSA, nil}} {
		b.Run(bb.name, func(b *testing.B) {
			b.SetBytes(int64(len(bb.text)))
			b.ReportAllocs()
			reader := weblog.Reader{Format: bb.format, Window: bb.window}
			for b.Loop() {
				if _, err := reader.Read(b.Context(), strings.NewReader(bb.text), func(*weblog.Request) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
