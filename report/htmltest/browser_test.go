// Package htmltest shows the HTML report to a headless Chromium. It is a module
// of its own, so that what drives a browser is no requirement of the program.
package htmltest

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"webshellscan/internal/evtxtest"
	"webshellscan/internal/evtxtest/fleet"
	"webshellscan/report"
	"webshellscan/report/html"
	"webshellscan/report/reporttest"
	"webshellscan/report/text"
	"webshellscan/rules"
	"webshellscan/scan"
	"webshellscan/scan/finding"
)

// The tests of this file show pages to a headless Chromium, from a file, as a
// responder would. Where there is none they skip.

// TestBrowser runs them, each in a tab of its own.
func TestBrowser(t *testing.T) {
	ctx := startBrowser(t)
	tests := []struct {
		name string
		test func(*testing.T, context.Context)
	}{
		{"Filters", browserFilters},
		{"Tree", browserTree},
		{"Marks", browserMarks},
		{"Keyboard", browserKeyboard},
		{"Contrast", browserContrast},
		{"Print", browserPrint},
		{"Appendix", browserAppendix},
		{"Narrow", browserNarrow},
		{"NoScript", browserNoScript},
		{"Hostile", browserHostile},
		{"Policy", browserPolicy},
		{"Many", browserMany},
		{"Work", browserWork},
		{"Fleet", browserFleet},
		{"State", browserState},
		{"Tables", browserTables},
		{"Mark", browserMark},
		{"MarkKept", browserMarkKept},
		{"Graph", browserGraph},
		{"TimeLine", browserTimeLine},
		{"TimeLineLeft", browserTimeLineLeft},
		{"SessionBeyondList", browserSessionBeyondList},
		{"Save", browserSave},
		{"Access", browserAccess},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			ctx, cancel := chromedp.NewContext(ctx)
			defer cancel()
			if err := chromedp.Do(ctx); err != nil {
				t.Fatal(err)
			}
			ctx, cancelTime := context.WithTimeout(ctx, browserTime)
			defer cancelTime()
			tt.test(t, ctx)
		})
	}
}

// browserTime is after how long a browser that says nothing is given up: it is
// a program of its own, and may wait for its turn.
const browserTime = 10 * time.Minute

// startBrowser returns the context of a Chromium.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("no browser in short tests")
	}
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("no Chromium is installed (Debian: chromium): the page was not shown to a browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WSURLReadTimeout(browserTime))
	if runtime.GOOS == "linux" && os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox) // Chromium will not run as root with it
	}
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// tab is a page in a browser.
type tab struct {
	t   *testing.T
	ctx context.Context
}

// open shows a result.
func open(t *testing.T, ctx context.Context, res *scan.Result) *tab {
	t.Helper()
	return openWith(t, ctx, res, report.Options{})
}

// openWith shows a result as options have it.
func openWith(t *testing.T, ctx context.Context, res *scan.Result, o report.Options) *tab {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	var b bytes.Buffer
	if err := report.ScanFormats.Write(&b, "html", res, o); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &tab{t, ctx}
	address := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	p.do(chromedp.Navigate(address.String()))
	return p
}

// reload shows the page anew. Unlike chromedp.Reload it returns when the new
// page is loaded: what runs before may meet the old one, or half of the new.
func (p *tab) reload() {
	p.t.Helper()
	p.text(`window.isOld = true`)
	p.do(chromedp.Reload())
	for range 1000 {
		state, err := chromedp.Run(p.ctx, chromedp.Evaluate[string]("String(!window.isOld && document.readyState)"))
		if err == nil && state == "complete" {
			return
		}
		p.do(chromedp.Sleep(20 * time.Millisecond))
	}
	p.t.Fatal("the page was not loaded again")
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// text returns what an expression gives, as text.
func (p *tab) text(expression string) string {
	p.t.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// want compares what an expression gives.
func (p *tab) want(expression, want string) {
	p.t.Helper()
	if got := p.text(expression); got != want {
		p.t.Errorf("%s is %.300q, want %.300q", expression, got, want)
	}
}

// soon waits until an expression gives what is wanted: what need not be seen at
// once is shown in idle time.
func (p *tab) soon(expression, want string) {
	p.t.Helper()
	for range 200 {
		if p.text(expression) == want {
			return
		}
		p.do(chromedp.Sleep(50 * time.Millisecond))
	}
	p.want(expression, want)
}

// settle waits until the page has done what it does at once, such as to follow
// a changed address: until it has time to spare.
func (p *tab) settle() {
	p.t.Helper()
	idle := `new Promise(done => requestIdleCallback(() => done('')))`
	if _, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](idle, chromedp.EvalAwaitPromise)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *tab) has(expression, want string) {
	p.t.Helper()
	if got := p.text(expression); !strings.Contains(got, want) {
		p.t.Errorf("%s is %.500q, without %q", expression, got, want)
	}
}

// click clicks an element as soon as it is shown and nothing lies above it. It
// does both in one step of the page: rows that are shown in idle time move what
// is below them.
func (p *tab) click(selector string) {
	p.t.Helper()
	p.soon(fmt.Sprintf(`(selector => {
		const element = document.querySelector(selector);
		element?.scrollIntoView({block: 'center', behavior: 'instant'});
		const box = element?.getClientRects()[0];
		const top = box && document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
		if (!top || !element.contains(top)) return false;
		element.click();
		return true;
	})(%q)`, selector), "true")
}

func (p *tab) keys(keys string) {
	p.t.Helper()
	p.do(chromedp.KeyEvent(keys))
}

const (
	shownRows = `document.querySelectorAll('#finding-table tbody tr').length`
	matched   = `document.getElementById('matched').textContent`
	detail    = `document.getElementById('detail').innerText`
	focused   = `document.activeElement.innerText`
)

// browserFilters: every filter does what it says, alone and with others.
func browserFilters(t *testing.T, ctx context.Context) {
	res := reporttest.Shipped(t, filepath.Join("..", ".."), report.ScanFormats.Needs("html").RawEvents)
	p := open(t, ctx, res)
	has := func(f *finding.Finding, words ...string) bool {
		texts := []string{f.Image, f.CommandLine, f.DecodedCommand, f.ParentCommandLine, f.WorkerCommandLine}
		for _, r := range f.Rules {
			texts = append(texts, r.Name)
		}
		all := strings.ToLower(strings.Join(texts, "\n"))
		return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(all, word) })
	}
	filters := []struct {
		set  string // fields of the form
		want func(f *finding.Finding) bool
	}{
		{``, func(*finding.Finding) bool { return true }},
		{`f.q.value = 'certutil'`, func(f *finding.Finding) bool { return has(f, "certutil") }},
		{`f.q.value = 'CERTUTIL  hb.txt c:\\windows\\temp'`, func(f *finding.Finding) bool { return has(f, "certutil", "hb.txt", `c:\windows\temp`) }},
		{`f.q.value = '"cmd.exe" LOCALGROUP &'`, func(f *finding.Finding) bool { return has(f, `"cmd.exe"`, "localgroup", "&") }},
		{`f.q.value = 'get-childitem'`, func(f *finding.Finding) bool { return has(f, "get-childitem") }},
		{`f.q.value = 'descendant_tool'`, func(f *finding.Finding) bool { return has(f, "descendant_tool") }},
		{`f.q.value = 'nothing has this'`, func(*finding.Finding) bool { return false }},
		{`f.host.value = '2'`, func(f *finding.Finding) bool { return f.Host == "WEB01.harbor.example" }},
		{`f.host.value = '2', f.q.value = 'whoami'`, func(f *finding.Finding) bool { return f.Host == "WEB01.harbor.example" && has(f, "whoami") }},
		{`f.rule.value = '0'`, func(f *finding.Finding) bool { return has(f, "car_2021_02_001_webshell_process_tree") }},
		{`f.from.value = '2024-03-11 11'`, func(f *finding.Finding) bool { return f.Time.String() >= "2024-03-11T11" }},
		{`f.from.value = '2024-03-11T09:44', f.to.value = '2024-03-11 09:44'`, func(f *finding.Finding) bool { return f.Time.String()[:16] == "2024-03-11T09:44" }},
		{`f.to.value = '2024-03-10'`, func(*finding.Finding) bool { return false }},
		{`f.to.value = 'yesterday'`, func(*finding.Finding) bool { return true }},
		{`f.level.value = '5'`, func(f *finding.Finding) bool { return f.Level == rules.LevelCritical }},
		{`f.level.value = '4'`, func(f *finding.Finding) bool { return f.Level >= rules.LevelHigh }},
		{`f.session.value = '0'`, func(f *finding.Finding) bool { return f.Session == res.Sessions[0].Key }},
		{`f.session.value = '-1'`, func(f *finding.Finding) bool { return f.Session == "" }},
	}
	for _, filter := range filters {
		p.text(`(() => { const f = document.getElementById('filters').elements; for (const e of f) if (e.name) e.value = e.name === 'level' ? '0' : '';
			` + filter.set + `; f.q.dispatchEvent(new Event('input', {bubbles: true})); })()`)
		findings, sessions := 0, make(map[string]bool)
		for _, f := range res.Findings {
			if filter.want(f) {
				findings++
				sessions[f.Session] = true
			}
		}
		p.want(matched, fmt.Sprintf("%d of %d findings, %d of %d sessions", findings, len(res.Findings), len(sessions), len(res.Sessions)))
		p.soon(shownRows, fmt.Sprint(findings))
		p.want(`document.querySelectorAll('article.session:not([hidden])').length`, fmt.Sprint(len(sessions)))
	}
	p.text(`document.querySelector('button[type=reset]').click()`)
	p.soon(shownRows, fmt.Sprint(len(res.Findings)))
}

// browserTree: trees fold and unfold, and a process in them tells all that is
// known of it, as far as its raw event.
func browserTree(t *testing.T, ctx context.Context) {
	p := open(t, ctx, reporttest.Shipped(t, filepath.Join("..", ".."), report.ScanFormats.Needs("html").RawEvents))
	p.click("#s0 .tree summary")
	p.want(`document.querySelector('#s0 .tree details').open`, "false")
	p.click("#open-all")
	p.want(`document.querySelectorAll('#sessions details:not([open])').length`, "0")
	p.want(`[...document.querySelectorAll('#s0 .tree a')].filter(a => a.textContent.startsWith('csc.exe'))[0].closest('li').className`, "dim")

	// What a process did, why its level is what it is, and its program's
	// own hash stand at it.
	node := func(name string) string {
		return `[...document.querySelectorAll('#s0 .tree a')].find(a => a.textContent.startsWith('` + name + `')).parentElement.innerText`
	}
	p.has(node("certutil.exe"), "wrote C:\\Windows\\Temp\\hb.exe")
	p.has(node("certutil.exe"), "connected to 198.51.100.77:443")
	p.has(node("certutil.exe"), "it fetches something from elsewhere")
	p.has(node("hb.exe"), "SHA-256 CF8D7DDAEABAA20AB0901B035A15CCB074BF2B04ECC3E2D1ADFE836086E504C2")
	p.has(node("w3wp.exe"), "wrote C:\\inetpub\\portal\\uploads\\health.aspx")
	if strings.Contains(p.text(node("whoami.exe")), "SHA-256") {
		t.Error("a program of Windows has its hash in the tree")
	}

	p.text(`[...document.querySelectorAll('#s0 .tree a')].find(a => a.textContent.startsWith('powershell.exe')).click()`)
	p.want(`document.getElementById('detail').open`, "true")
	for _, s := range []string{
		"RwBlAHQALQBEAGEAdABlADsA", "Get-Date; Get-ChildItem C:\\inetpub", "w3wp.exe › cmd.exe › hb.exe", "Microsoft-Windows-Sysmon/Operational", "LogonId", "confirmed",
	} {
		p.has(detail, s)
	}
	p.click("#detail summary")
	p.soon(`document.querySelector('#detail details pre')?.textContent.includes('"EventRecordID"')`, "true")

	// A process that is only context has its fields too.
	p.click("#close")
	p.text(`[...document.querySelectorAll('#s0 .tree a')].find(a => a.textContent.startsWith('csc.exe')).click()`)
	p.has(detail, "no rule matched it")
	p.has(detail, "Security.evtx")
}

// browserKeyboard: all of it can be reached and used without a mouse, and
// what has the focus can be seen.
func browserKeyboard(t *testing.T, ctx context.Context) {
	p := open(t, ctx, reporttest.Shipped(t, filepath.Join("..", ".."), report.ScanFormats.Needs("html").RawEvents))
	p.keys(kb.Tab)
	p.want(focused, "Skip to the report")
	p.has(`getComputedStyle(document.activeElement).outlineStyle`, "solid")
	p.keys(kb.Enter)
	p.want(`document.activeElement.id`, "main")

	p.text(`document.querySelector('[name=q]').focus()`)
	p.keys("whoami")
	p.has(matched, " of 60 findings")
	if n := p.text(shownRows); n == "60" || n == "0" {
		t.Errorf("%s rows after a search by keyboard", n)
	}
	p.text(`document.querySelector('#s0 .tree summary').focus()`)
	p.keys(kb.Enter)
	p.want(`document.querySelector('#s0 .tree details').open`, "false")

	p.text(`document.querySelector('#finding-table thead button').focus()`)
	p.keys(" ")
	p.want(`document.querySelector('#finding-table th').getAttribute('aria-sort')`, "descending")
	p.text(`document.querySelector('#finding-table tbody a').focus()`)
	name := p.text(focused)
	p.keys(kb.Enter)
	p.want(`document.getElementById('detail').open`, "true")
	p.has(focused, name)
	p.text(`document.getElementById('next').focus()`)
	p.keys(kb.Enter)
	p.has(`location.hash`, "#p")
	p.keys(kb.Escape)
	p.soon(`document.getElementById('detail').open`, "false")
	p.soon(focused, name)
	p.soon(`location.hash`, "#?q=whoami&sort=-time")
}

// browserContrast: in both colour schemes every text stands out from its
// ground by 4.5 to 1 or more (WCAG 2.2, 1.4.3).
func browserContrast(t *testing.T, ctx context.Context) {
	for _, scheme := range []string{"light", "dark"} {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia,
			emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		if err != nil {
			t.Fatal(err)
		}
		p := open(t, ctx, reporttest.Hostile("some text"))
		dark := p.text(`getComputedStyle(document.body).backgroundColor`)
		if isDark := strings.HasPrefix(dark, "rgb(1"); isDark != (scheme == "dark") {
			t.Errorf("%s: the page is %s", scheme, dark)
		}
		p.want(contrast, "")
	}
}

// contrast lists the texts that can hardly be read.
const contrast = `(() => {
	const rgb = c => c.match(/[\d.]+/g).map(Number);
	const luminance = c => { const [r, g, b] = rgb(c).map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
	const ground = node => { for (let n = node; n; n = n.parentElement) { const c = getComputedStyle(n).backgroundColor; if ((rgb(c)[3] ?? 1) > 0) return c; } return 'rgb(255, 255, 255)'; };
	const bad = new Set();
	for (const node of document.querySelectorAll('body *')) {
		if (node.closest('svg, dialog, script') || ![...node.childNodes].some(n => n.nodeType === 3 && n.data.trim()) || !node.checkVisibility()) continue;
		const [a, b] = [luminance(getComputedStyle(node).color), luminance(ground(node))];
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < 4.5) bad.add(node.tagName + '.' + node.className + ' ' + ratio.toFixed(1));
	}
	return [...bad].join(', ');
})()`

// pdf prints the page and returns its text, by page; nil if nothing reads PDFs
// here.
func (p *tab) pdf() []string {
	p.t.Helper()
	pdf, err := chromedp.Run(p.ctx, chromedp.PrintToPDF())
	if err != nil {
		p.t.Fatal(err)
	}
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) || len(pdf) < 10_000 {
		p.t.Errorf("a PDF of %d bytes", len(pdf))
	}
	path, err := exec.LookPath("pdftotext")
	if err != nil {
		return nil
	}
	cmd := exec.Command(path, "-layout", "-", "-")
	cmd.Stdin = bytes.NewReader(pdf)
	s, err := cmd.Output()
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(s), "\f"), "\f")
}

// browserPrint: on paper there is a cover, and what somebody who decides reads,
// of each session no more than two pages; the appendix has all findings.
func browserPrint(t *testing.T, ctx context.Context) {
	res := reporttest.Shipped(t, filepath.Join("..", ".."), 0)
	p := openWith(t, ctx, res, report.Options{Page: html.Options{Cover: html.Cover{Title: "Harbor <b>", Case: "IR-7", Author: "A. Analyst"}}})
	p.want(`document.title`, "Harbor <b>")
	if pages := p.pdf(); pages != nil {
		for i, words := range [][]string{{"Harbor <b>", "IR-7", "A. Analyst", "UTC"}, {"What happened", "2 / "}, {"Sessions", "First (UTC)", "Last (UTC)"}} {
			for _, word := range words {
				if !strings.Contains(pages[i], word) {
					t.Errorf("page %d lacks %q", i+1, word)
				}
			}
		}
		if strings.Contains(pages[0], "1 / ") {
			t.Error("the cover has a page number")
		}
		last := 0
		for n, s := range res.Sessions {
			title := s.Host + ": " // of its heading
			at := slices.IndexFunc(pages, func(page string) bool {
				return strings.Contains(page, title) && strings.Contains(page, "At most two pages")
			})
			if at < 0 || n > 0 && at-last > 2 {
				t.Errorf("session %d is on page %d, the one before on %d", n, at+1, last+1)
			}
			last = at
		}
		if all := strings.Join(pages, ""); len(pages) > last+4 || strings.Contains(all, "Second decoder") || strings.Contains(all, "Manifest\n") {
			t.Errorf("%d pages, the last session begins on page %d", len(pages), last+1)
		}
	}
	p = open(t, ctx, longSession(t))
	if all := strings.Join(p.pdf(), ""); all != "" {
		for _, want := range []string{"comsvcs.dll, MiniDump", "of this tree not printed, the gravest of them high: the file has all of it."} {
			if !strings.Contains(strings.Join(strings.Fields(all), " "), want) {
				t.Errorf("the long session lacks %q in print", want)
			}
		}
	}
	p = open(t, ctx, reporttest.Many(6300))
	if pages := p.pdf(); len(pages) > 80 {
		t.Errorf("%d pages of 6,300 findings", len(pages))
	}
}

// longSession is a session of many commands, of which the last is the gravest.
func longSession(t *testing.T) *scan.Result {
	t.Helper()
	const system32 = `C:\Windows\System32\`
	created := func(second int, pid, parent uint64, image, command string) evtxtest.Event {
		return evtxtest.NewEvent(time.Date(2026, 3, 2, 8, 0, second, 0, time.UTC), "WEB01", &evtxtest.ProcessCreated{
			NewProcessID: pid, NewProcessName: image, ProcessID: parent, CommandLine: command,
			Subject: evtxtest.Account{SID: evtxtest.MustSID("S-1-5-82-1"), Name: "shop", Domain: "IIS APPPOOL", LogonID: 0x9999},
		})
	}
	events := []evtxtest.Event{created(0, 400, 4, system32+`inetsrv\w3wp.exe`, `w3wp.exe -ap "shop"`)}
	for i := range 300 {
		events = append(events, created(i+1, uint64(1000+4*i), 400, system32+"cmd.exe", `cmd /c dir C:\inetpub\`+strings.Repeat(fmt.Sprintf(`%c%c\`, 'a'+i%26, 'a'+i/26), 60)))
	}
	events = append(events, created(400, 4000, 400, system32+"rundll32.exe", `rundll32 C:\Windows\System32\comsvcs.dll, MiniDump 624 C:\p\l.dmp full`))
	file, err := evtxtest.Build(evtxtest.Options{}, events)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "Security.evtx")
	if err := os.WriteFile(path, file.Data, 0o600); err != nil {
		t.Fatal(err)
	}
	res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{path}, Crosscheck: -1})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// browserAppendix: the appendix has all findings and what they rest on.
func browserAppendix(t *testing.T, ctx context.Context) {
	p := open(t, ctx, reporttest.Many(450))
	p.want(shownRows, "100")
	p.text(`document.getElementById('appendix').click()`)
	if pages := p.pdf(); pages != nil {
		for _, want := range []string{"rem 0", "rem 449", "record 449", "Manifest"} {
			if !strings.Contains(strings.Join(pages, ""), want) {
				t.Errorf("the PDF lacks %q", want)
			}
		}
	}
	p.want(shownRows, "100")
	p.text(`(dispatchEvent(new Event('beforeprint')), 0)`)
	p.want(shownRows, "450")
	p.want(`document.querySelectorAll('main details:not([open])').length`, "0")
	p.text(`(dispatchEvent(new Event('afterprint')), 0)`)
	p.want(shownRows, "100")

	p = open(t, ctx, &scan.Result{}) // which has no table
	p.text(`document.querySelector('main').append(document.createElement('details'))`)
	p.text(`document.getElementById('appendix').click()`)
	p.text(`(dispatchEvent(new Event('beforeprint')), 0)`)
	p.want(`document.querySelectorAll('main details:not([open])').length`, "0")
}

// browserNarrow: on a narrow screen the page scrolls down, not sideways.
func browserNarrow(t *testing.T, ctx context.Context) {
	for _, width := range []int64{320, 400, 800, 1280, 1400} {
		if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)); err != nil {
			t.Fatal(err)
		}
		for _, res := range []*scan.Result{reporttest.Shipped(t, filepath.Join("..", ".."), report.ScanFormats.Needs("html").RawEvents), reporttest.Hostile(strings.Repeat("W", 500))} {
			p := open(t, ctx, res)
			p.want(`document.documentElement.scrollWidth`, fmt.Sprint(width))
			p.want(`(document.getElementById('sessions').scrollIntoView(), document.getElementById('sessions-h').getBoundingClientRect().top >=
				Math.max(...[...document.querySelectorAll('body > header, .filters')].filter(bar => getComputedStyle(bar).position === 'sticky').map(bar => bar.getBoundingClientRect().bottom), 0))`, "true")
			p.want(`innerWidth < 1280 || document.body.innerText.includes('WWWW') || document.getElementById('session-table').offsetWidth <= document.getElementById('session-table').parentElement.clientWidth`, "true")
		}
	}
}

// browserNoScript: without JavaScript sessions, trees, findings and their
// evidence are there.
func browserNoScript(t *testing.T, ctx context.Context) {
	if _, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	p := open(t, ctx, reporttest.Shipped(t, filepath.Join("..", ".."), report.ScanFormats.Needs("html").RawEvents))
	s := strings.Join(strings.Fields(p.text(`document.body.textContent`)), " ")
	for _, want := range []string{"60 findings on 4 hosts", "certutil -urlcache", "record 103345, offset", "Get-ChildItem", "conhost.exe", "second decoder: confirmed"} {
		if !strings.Contains(s, want) {
			t.Errorf("the page without JavaScript lacks %q", want)
		}
	}
	p.want(`[...document.querySelectorAll('#finding-table tbody tr, #finding-table .more')].filter(n => n.checkVisibility()).length`, "120")
	p.want(`[...document.querySelectorAll('button, form')].some(n => n.checkVisibility())`, "false")
}

// browserHostile: whatever a log says, it runs no script, loads nothing and
// breaks nothing, wherever it is shown.
func browserHostile(t *testing.T, ctx context.Context) {
	messages := make(chan string, 100)
	err := chromedp.Listen(ctx, func(ev any) {
		if request, ok := ev.(*network.EventRequestWillBeSent); ok && !strings.HasPrefix(request.Request.URL, "file:") {
			messages <- "a request for " + request.Request.URL
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	all := reporttest.Hostile(reporttest.HostileTexts[0])
	for _, line := range reporttest.HostileTexts[1:] {
		one := reporttest.Hostile(line)
		s := one.Sessions[0]
		s.Key = "session of " + line
		one.Findings[0].Session = s.Key
		all.Findings, all.Sessions = append(all.Findings, one.Findings...), append(all.Sessions, s)
		all.Integrity, all.Coverage = append(all.Integrity, one.Integrity...), append(all.Coverage, one.Coverage...)
		all.Manifest.Inputs = append(all.Manifest.Inputs, one.Manifest.Inputs...)
	}
	p := open(t, ctx, all)
	p.text(`(() => { window.violations = []; document.addEventListener('securitypolicyviolation', e => violations.push(e.violatedDirective)); })()`)
	p.want(matched, fmt.Sprintf("%d of %[1]d findings, %[1]d of %[1]d sessions", len(reporttest.HostileTexts)))
	shown := make([]string, len(reporttest.HostileTexts))
	for i, line := range reporttest.HostileTexts {
		shown[i] = text.Visible(line)
	}
	list, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	p.want(`((texts) => texts.filter((text, i) => {
		const row = document.querySelectorAll('#finding-table tbody tr')[i];
		row.querySelector('a').click();
		document.querySelector('#detail details').open = true;
		const details = [...document.querySelectorAll('#detail-body pre, #detail-body td')].filter(n => n.textContent === text).length;
		return !row.querySelector('code').textContent.startsWith(text.slice(0, 2000)) || text !== '' && details < 5;
	}).join())(`+string(list)+`)`, "")
	p.soon(`document.querySelectorAll('#detail details pre').length > 0`, "true")
	p.settle()
	p.want(`document.querySelectorAll('#detail details pre').length`, "1")
	p.want(`window.hacked`, "undefined")
	p.want(`window.violations.join()`, "")
	p.want(`document.querySelectorAll('script, style').length`, "7")
	p.want(`document.querySelectorAll('img, iframe, object, embed, link, base').length`, "0")
	select {
	case message := <-messages:
		t.Error(message)
	default:
	}
}

// browserPolicy: the page's policy stops what escaping might let through one
// day.
func browserPolicy(t *testing.T, ctx context.Context) {
	p := open(t, ctx, reporttest.Many(1))
	p.want(`(() => { const s = document.createElement('script'); try { s.text = 'window.hacked = 1'; document.body.append(s); } catch (e) { return e.name; } return window.hacked; })()`, "TypeError")
	p.want(`(() => { try { document.body.innerHTML = '<b>'; } catch (e) { return e.name; } })()`, "TypeError")
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`fetch('data:text/plain,x').then(() => 'loaded', e => e.name)`, chromedp.EvalAwaitPromise))
	if err != nil || value != "TypeError" {
		t.Errorf("fetch: %s, %v", value, err)
	}
}

// browserMany: 100,000 findings can be opened and filtered. How long it takes
// is told with -v; a time of a shared machine is no test.
func browserMany(t *testing.T, ctx context.Context) {
	p := open(t, ctx, reporttest.Many(100_000))
	p.want(matched, "100000 of 100000 findings, 1000 of 1000 sessions")
	p.want(shownRows, "100")
	opened := p.text(`Math.round(performance.getEntriesByType('navigation')[0].loadEventEnd)`)
	times := p.text(`['whoami', 'systeminfo rem', 'rem 9999', 'nothing has this', ''].map(word => {
		const q = document.querySelector('[name=q]'), start = performance.now();
		q.value = word;
		q.dispatchEvent(new Event('input', {bubbles: true}));
		document.body.offsetHeight;
		return Math.round(performance.now() - start) + ' ms for "' + word + '": ' + document.getElementById('matched').textContent;
	}).join('; ')`)
	t.Logf("100,000 findings: open in %s ms; filtered in %s", opened, times)
	if !strings.Contains(times, `"rem 9999": 25 of 100000`) {
		t.Errorf("filtered: %s", times)
	}
	p.click("#show-more")
	p.soon(shownRows, "200")
}

// browserWork: who types more of a search only narrows what was found, who
// sorts the other way compares nothing anew, and rows are shown some at a time,
// but all of them before the page is printed. Work is counted, since times are
// those of a machine.
func browserWork(t *testing.T, ctx context.Context) {
	const findings = 20_000
	_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		window.waiting = [];
		window.requestIdleCallback = act => { waiting.push(act); };`})
	if err != nil {
		t.Fatal(err)
	}
	p := open(t, ctx, reporttest.Many(findings))
	p.text(`(() => {
		window.work = {};
		for (const [type, name] of [[String, 'includes'], [String, 'toLowerCase'], [Array, 'sort'], [Document, 'createElement']]) {
			const plain = type.prototype[name];
			type.prototype[name] = function (...args) { work[name] = (work[name] ?? 0) + 1; return plain.apply(this, args); };
		}
		window.search = word => { const q = document.querySelector('[name=q]'); q.value = word; work = {}; q.dispatchEvent(new Event('input', {bubbles: true})); };
		window.sortBy = name => { work = {}; document.querySelector('th[data-sort=' + name + '] button').click(); };
	})()`)
	most := func(what string, limit int) {
		t.Helper()
		if n, err := strconv.Atoi(p.text(`work.` + what + ` ?? 0`)); err != nil || n > limit {
			t.Errorf("%s is called %d times, want %d at most (%v)", what, n, limit, err)
		}
	}
	// What searches and orders need is made in pieces, before it is asked
	// for.
	for p.text(`waiting.length`) != "0" {
		p.text(`(work = {}, waiting.shift()())`)
		most("toLowerCase", 10_000)
	}
	first := p.text(`(sortBy('process'), document.querySelector('#finding-table tbody a').textContent)`)
	p.text(`sortBy('process')`)
	most("sort", 0)
	most("toLowerCase", 1) // of the search
	if last := p.text(`document.querySelector('#finding-table tbody a').textContent`); last == first {
		t.Errorf("%s is first both ways", last)
	}
	p.text(`(sortBy('time'), dispatchEvent(new Event('beforeprint')))`)

	const sessionRows = `document.querySelectorAll('#session-table tbody tr:not([hidden])').length`
	p.want(sessionRows, "200")
	p.text(`search('rem 1999')`)
	p.has(matched, "15 of 20000")
	p.text(`search('rem 19999')`)
	p.has(matched, "1 of 20000")
	p.want(sessionRows, "1")
	most("includes", 200)
	p.text(`search('rem')`)
	p.has(matched, "20000 of 20000")
	most("createElement", 25*20) // of the rows that are shown at once
	p.want(shownRows, "25")
	p.want(sessionRows, "26")
	p.text(`waiting.splice(0).forEach(act => act())`)
	p.want(shownRows, "50")
	p.want(sessionRows, "51")
	p.text(`dispatchEvent(new Event('beforeprint'))`)
	p.want(shownRows, "100")
	p.want(sessionRows, "200")
	p.text(`document.getElementById('show-more').click()`)
	p.want(shownRows, "125")
	p.has(`document.getElementById('show-more').textContent`, "of 19800")
}

// browserMarks: rows and details have all marks and all digits.
func browserMarks(t *testing.T, ctx context.Context) {
	p := open(t, ctx, reporttest.Marked())
	notes := `[...document.querySelectorAll('#finding-table tbody .note')].map(n => n.textContent).join('; ')`
	p.want(notes, "decoded: ; many_shells: 3 processes since 2026-03-02 12:00:00; recovered from an unused part of a log")
	p.has(`document.querySelector('#finding-table .more').textContent`, reporttest.BigPlace+", recovered template_substituted hidden")
	p.click("#finding-table tbody a")
	for _, s := range []string{
		"recovered from an unused part of a log", "records that are no longer live", "many_shells 3 processes since 2026-03-02 12:00:00",
		"9223372036854775809", "9007199254740993 (0x20000000000001)", "recovered template_substituted hidden",
	} {
		p.has(detail, s)
	}
	p.click("#detail summary")
	p.soon(`document.querySelector('#detail details pre')?.textContent.includes('"EventRecordID": "9223372036854775809"')`, "true")
}

// crowdHosts is how many hosts browserFleet has: -crowd 5000 takes half a
// minute.
var crowdHosts = flag.Int("crowd", 500, "hosts of the fleet view")

// browserFleet: of very many hosts the first screen names the kinds of session
// with how many hosts have each, the incidents before the noise, and the one
// command that nobody else ran.
func browserFleet(t *testing.T, ctx context.Context) {
	folder := t.TempDir()
	for file, err := range (fleet.Crowd{Seed: 7, Hosts: *crowdHosts}).Logs() {
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, filepath.FromSlash(file.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	res, err := scan.Scan(t.Context(), scan.Options{Paths: []string{folder}, RawEvents: report.ScanFormats.Needs("html").RawEvents})
	if err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(1280, 800)); err != nil {
		t.Fatal(err)
	}
	p := open(t, ctx, res)
	t.Logf("%d hosts: open in %s ms", *crowdHosts, p.text(`Math.round(performance.getEntriesByType('navigation')[0].loadEventEnd)`))
	seen := strings.Split(p.text(`[...document.querySelectorAll('.kinds tbody tr')].filter(r => r.getBoundingClientRect().bottom <= innerHeight).map(r => r.cells[1].textContent + ' ' + r.cells[3].querySelector('summary').innerText.trim()).join('\n')`), "\n")
	share := *crowdHosts / 100
	at := -1
	for _, want := range []string{
		fmt.Sprintf(`%d C:\ProgramData\upd.exe --once`, share), fmt.Sprintf("%d makecab", share), fmt.Sprintf(`%d C:\Windows\Temp\hb.exe -q`, share),
		`1 cmd.exe /s /c "` + fleet.CrowdPlanted,
	} {
		i := slices.IndexFunc(seen, func(row string) bool { return strings.HasPrefix(row, want) })
		if i < 0 || want[0] == '1' && i < at {
			t.Errorf("the first screen lacks %q: %q", want, seen)
		}
		at = max(at, i)
	}
	noisy := 0
	for _, row := range seen[min(at+1, len(seen)):] {
		n, _ := strconv.Atoi(strings.Fields(row)[0])
		noisy += n
	}
	if noisy != 24*share-1 {
		t.Errorf("%d hosts of the noisy kinds are on the first screen, behind the others, want %d: %q", noisy, 24*share-1, seen)
	}
}

// browserState: the address holds the filters and the order, and gives them
// back.
func browserState(t *testing.T, ctx context.Context) {
	res := reporttest.Shipped(t, filepath.Join("..", ".."), report.ScanFormats.Needs("html").RawEvents)
	p := open(t, ctx, res)
	const host = "WEB01.harbor.example"
	p.text(`(() => { const f = document.getElementById('filters').elements; f.q.value = 'net & "x'; f.q.value = 'net user'; f.host.value = [...f.host.options].find(o => o.text === '` + host + `').value;
		f.level.value = '4'; f.from.value = '2024-03-11 09'; f.rule.value = '0'; f.q.dispatchEvent(new Event('input', {bubbles: true})); })()`)
	p.text(`document.querySelector('#finding-table th[data-sort=process] button').click()`)
	want, rows := p.text(matched), p.text(`document.querySelector('#finding-table tbody').innerText`)
	hash := p.text(`location.hash`)
	for _, part := range []string{"#?", "q=net+user", "host=" + host, "level=4", "from=2024-03-11+09", "sort=process", "rule=car_2021_02_001_webshell_process_tree"} {
		if !strings.Contains(hash, part) {
			t.Errorf("the address has %q, without %q", hash, part)
		}
	}
	p.reload()
	p.want(matched, want)
	p.want(`document.querySelector('#finding-table tbody').innerText`, rows)
	p.want(`document.querySelector('#finding-table th[data-sort=process]').getAttribute('aria-sort')`, "ascending")

	// A link to a part of the report or to a process keeps them.
	p.text(`document.querySelector('nav a[href="#sessions"]').click()`)
	p.soon(`location.hash`, "#sessions"+strings.TrimPrefix(hash, "#"))
	p.text(`document.querySelector('#finding-table tbody a').click()`)
	p.has(`location.hash`, strings.TrimPrefix(hash, "#"))
	p.reload()
	p.want(`document.getElementById('detail').open`, "true")
	p.want(matched, want)
	p.text(`document.getElementById('close').click()`)
	p.soon(`location.hash`, hash)

	// What is no state is none.
	p.text(`location.hash = '#?level=9&session=77&host=nobody&rule=none&sort=hacked&from=x'`)
	p.soon(matched, fmt.Sprintf("%d of %[1]d findings, %d of %[2]d sessions", len(res.Findings), len(res.Sessions)))
	p.text(`document.querySelector('button[type=reset]').click()`)
	p.soon(`location.hash`, "")
}

// browserTables: every table sorts by every column, and back.
func browserTables(t *testing.T, ctx context.Context) {
	p := open(t, ctx, reporttest.Shipped(t, filepath.Join("..", ".."), report.ScanFormats.Needs("html").RawEvents))
	p.want(`(() => {
		const bad = [];
		const rank = ['no level', 'informational', 'low', 'medium', 'high', 'critical', 'notice', 'warning', 'alarm'];
		for (const table of document.querySelectorAll('main table')) {
			if (table.closest('article')) continue;
			const name = table.caption.textContent;
			[...table.tHead.rows[0].cells].forEach((th, n) => {
				if (!th.querySelector('button')) return bad.push(name + ': ' + th.textContent + ' has no button');
				for (const direction of ['one way', 'the other']) {
					th.querySelector('button').click();
					const sign = th.getAttribute('aria-sort') === 'descending' ? -1 : 1;
					const values = [...table.tBodies[0].rows].map(r => {
						const c = r.cells[n], mark = c.querySelector('.level');
						return mark ? rank.indexOf(mark.textContent) : th.classList.contains('num') ? parseFloat(c.textContent) : th.dataset.sort === 'process' ? (c.querySelector('a').textContent.replace(/ .[0-9]+.$/, '') + ' ' + c.querySelector('code').textContent).toLowerCase() : c.textContent.trim().toLowerCase();
					});
					for (let i = 1; i < values.length; i++) if (values[i - 1] > values[i] && sign > 0 || values[i - 1] < values[i] && sign < 0) return bad.push(name + ': ' + th.textContent + ' ' + direction + ': ' + values[i - 1] + ' before ' + values[i]);
				}
			});
		}
		return bad.join('\n');
	})()`, "")
}

// browserSave: what is filtered can be copied and saved; no cell is a formula.
func browserSave(t *testing.T, ctx context.Context) {
	res := reporttest.Hostile("=cmd|' /C calc'!A0")
	one := reporttest.Hostile(`a "b", c`)
	one.Findings[0].Session = "other"
	one.Sessions[0].Key = "other"
	res.Findings, res.Sessions = append(res.Findings, one.Findings...), append(res.Sessions, one.Sessions...)
	p := open(t, ctx, res)
	p.text(`(() => {
		window.saved = [];
		URL.createObjectURL = blob => { window.saved.push(blob); return 'blob:none'; };
		navigator.clipboard.writeText = async text => { window.copied = text; };
		HTMLAnchorElement.prototype.click = function () { window.file = this.download; };
	})()`)
	p.text(`document.getElementById('save-csv').click()`)
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`window.saved[0].text()`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	p.want(`window.file`, "findings.csv")
	lines, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(value, "\ufeff"))).ReadAll()
	if err != nil || len(lines) != 3 {
		t.Fatalf("%d lines, %v: %q", len(lines), err, value)
	}
	at := slices.Index(lines[0], "command_line")
	if lines[1][at] != "'=cmd|' /C calc'!A0" || lines[2][at] != `a "b", c` {
		t.Errorf("command lines %q and %q", lines[1][at], lines[2][at])
	}
	for _, line := range lines {
		for _, cell := range line {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r\n") {
				t.Errorf("%q is a formula", cell)
			}
		}
	}
	p.text(`(() => { const f = document.getElementById('filters').elements; f.q.value = '"b"'; f.q.dispatchEvent(new Event('input', {bubbles: true})); })()`)
	p.text(`document.getElementById('copy-rows').click()`)
	p.has(`window.copied.split('\n').length + window.copied`, "1"+reporttest.Noon.String())
	p.text(`document.querySelector('#finding-table button.copy').click()`)
	p.has(`window.copied`, "\t\"a \"\"b\"\", c\"\t") // in quotes, or a spreadsheet takes its own for such
	p.soon(`document.querySelector('#finding-table button.copy').textContent`, "Copied")
	p.text(`document.querySelector('#finding-table tbody a').dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}))`)
	p.text(`document.getElementById('copy').click()`)
	p.has(`window.copied`, "command_line\t")
}

// axe is where axe-core (https://github.com/dequelabs/axe-core) lies: it is a
// program of its own, and no part of this one.
var axe = flag.String("axe", os.Getenv("AXE"), "axe.min.js of the npm package axe-core")

// browserAccess: nothing that can be pressed is within something else that can
// be, all that scrolls can be reached by keyboard, every control has a name;
// and axe-core, if it is there, finds nothing.
func browserAccess(t *testing.T, ctx context.Context) {
	var source []byte
	if *axe != "" {
		var err error
		if source, err = os.ReadFile(*axe); err != nil {
			t.Fatal(err)
		}
	} else {
		t.Log("no axe-core: -axe says where it is")
	}
	for name, res := range map[string]*scan.Result{
		"shipped": reporttest.Shipped(t, filepath.Join("..", ".."), report.ScanFormats.Needs("html").RawEvents), "many": reporttest.Many(300), "hostile": reporttest.Hostile("text"),
	} {
		p := open(t, ctx, res)
		p.want(inaccessible, "")
		for _, before := range []string{`0`, `document.getElementById('open-all')?.click()`, `document.querySelector('#finding-table tbody a').click()`} {
			p.text(before)
			if source == nil {
				continue
			}
			p.text("(() => { " + string(source) + "; return 0; })()")
			value, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`axe.run().then(r => r.violations.map(v => v.id + ' (' + v.nodes.length + '): ' + v.nodes[0].html.slice(0, 200)).join('\n'))`, chromedp.EvalAwaitPromise))
			if err != nil || value != "" {
				t.Errorf("%s after %s: %v\n%s", name, before, err, value)
			}
		}
	}
}

// inaccessible lists what a keyboard or a screen reader does not come by.
const inaccessible = `(() => {
	const bad = new Set(), pressed = 'a[href], button, input, select, textarea, summary';
	for (const node of document.querySelectorAll(pressed)) if (node.parentElement.closest('a, button, summary')) bad.add('within: ' + node.outerHTML.slice(0, 100));
	for (const node of document.querySelectorAll('.scroll')) if (node.tabIndex < 0) bad.add('scrolls: ' + node.outerHTML.slice(0, 100));
	for (const node of document.querySelectorAll(pressed)) {
		const name = node.getAttribute('aria-label') || node.textContent.trim() || [...(node.labels ?? [])].map(l => l.textContent.trim()).join();
		if (!name) bad.add('nameless: ' + node.outerHTML.slice(0, 100));
	}
	return [...bad].join('\n');
})()`

// savedMarks returns what the page saves of its marks.
func savedMarks(p *tab) html.Marks {
	p.t.Helper()
	p.text(`(() => { window.saved = []; URL.createObjectURL = blob => { window.saved.push(blob); return 'blob:none'; }; HTMLAnchorElement.prototype.click = () => {}; document.getElementById('save-marks').click(); })()`)
	file, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`window.saved[0].text()`, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatal(err)
	}
	marks, err := html.ReadMarks(strings.NewReader(file))
	if err != nil {
		p.t.Fatalf("%v: %s", err, file)
	}
	return marks
}

// browserMark: findings are marked and noted, and stay so in this browser; what
// is saved marks the page of the next scan in any.
func browserMark(t *testing.T, ctx context.Context) {
	res := reporttest.Many(30)
	p := open(t, ctx, res)
	const hostile = "<img src=x onerror=window.hacked=1>"
	p.text(`(() => {
		localStorage.clear();
		document.querySelectorAll('#finding-table tbody tr')[3].querySelector('a').click();
		const [seen, benign] = document.querySelectorAll('button.marker'), note = document.querySelector('.marking textarea');
		seen.click(); benign.click();
		note.value = '` + hostile + `'; note.dispatchEvent(new Event('input'));
		document.getElementById('close').click();
	})()`)
	const row = `document.querySelectorAll('#finding-table tbody tr')[3].innerText`
	for range 2 {
		p.has(row, "benign")
		p.has(row, "note: "+hostile)
		p.reload()
	}
	marks := savedMarks(p)
	if unknown, total := marks.Unknown(res); unknown != 0 || total != 1 {
		t.Errorf("%d of %d marks are unknown", unknown, total)
	}
	p.text(`localStorage.clear()`)
	p = openWith(t, ctx, res, report.Options{Page: html.Options{Marks: marks}})
	p.has(row, "note: "+hostile)
	p.text(`(() => { const f = document.getElementById('filters').elements; f.mark.value = 'none'; f.mark.dispatchEvent(new Event('input', {bubbles: true})); })()`)
	p.soon(shownRows, "29")
	p.has(`location.hash`, "mark=none")
	p.text(`(() => { const f = document.getElementById('filters').elements; f.mark.value = 'benign'; f.mark.dispatchEvent(new Event('input', {bubbles: true})); })()`)
	p.want(shownRows, "1")
	p.want(`window.hacked`, "undefined")
}

// browserGraph: a session's tree is drawn, with all processes that the page
// shows of it; it can be zoomed and moved, leads to the processes, and is saved
// whole.
func browserGraph(t *testing.T, ctx context.Context) {
	p := open(t, ctx, reporttest.Shipped(t, filepath.Join("..", ".."), report.ScanFormats.Needs("html").RawEvents))
	p.text(`(() => { window.saved = []; URL.createObjectURL = blob => { window.saved.push(blob); return 'blob:none'; }; HTMLAnchorElement.prototype.click = function () { window.file = this.download; }; })()`)
	p.text(`document.querySelector('#s0 button.draw').click()`)
	const box, boxes = `document.querySelector('svg.graph').viewBox.baseVal`, `document.querySelectorAll('svg.graph g').length`
	p.want(boxes, p.text(`document.querySelectorAll('#s0 .tree a').length`))
	p.want(`(() => {
		const nodes = [...document.querySelectorAll('svg.graph g rect:first-of-type')].map(r => [+r.getAttribute('x'), +r.getAttribute('y')]);
		return nodes.filter(([x, y], i) => nodes.some(([a, b], n) => n !== i && Math.abs(a - x) < 250 && Math.abs(b - y) < 40)).length;
	})()`, "0")
	width := p.text(box + `.width`)
	p.text(`document.getElementById('graph-in').click()`)
	p.want(`(`+box+`.width / `+width+`).toFixed(2)`, "0.80")
	p.text(`document.querySelector('svg.graph g').focus()`)
	p.keys("-")
	p.keys(kb.ArrowRight)
	p.want(box+`.width.toFixed(0)`, p.text(`Number(`+width+`).toFixed(0)`))
	p.keys("0")
	p.want(box+`.x`, "-20")
	p.text(`document.getElementById('graph-save').click()`)
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`window.saved[0].text()`, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	p.want(`window.file`, "session.svg")
	var root struct {
		XMLName xml.Name
		Groups  []struct {
			Title string `xml:"title"`
		} `xml:"g"`
	}
	if err := xml.Unmarshal([]byte(value), &root); err != nil || root.XMLName.Local != "svg" || fmt.Sprint(len(root.Groups)) != p.text(boxes) || !strings.Contains(value, "certutil") {
		t.Errorf("saved %q with %d groups: %v", root.XMLName.Local, len(root.Groups), err)
	}
	p.keys(kb.Enter)
	p.want(`document.getElementById('detail').open`, "true")
	p.has(detail, "w3wp.exe")
}

// browserTimeLine: the time line shows any stretch of time, of all hosts or
// one, and the findings in it; it gives its stretch to the filters.
func browserTimeLine(t *testing.T, ctx context.Context) {
	res := reporttest.Shipped(t, filepath.Join("..", ".."), report.ScanFormats.Needs("html").RawEvents)
	p := open(t, ctx, res)
	const shown = `[...document.querySelectorAll('#timeline g:not(.away) rect title')].map(n => parseInt(n.textContent)).reduce((a, b) => a + b, 0)`
	press := func(names ...string) {
		for _, name := range names {
			p.text(`document.getElementById('timeline-` + name + `').click()`)
		}
	}
	p.want(shown, fmt.Sprint(len(res.Findings)))
	press("in", "in", "all")
	p.want(shown, fmt.Sprint(len(res.Findings)))
	press("in", "back")
	in := 0
	from, to := p.text(`document.getElementById('timeline-range').textContent.slice(0, 23).replace(' ', 'T')`), p.text(`document.getElementById('timeline-range').textContent.slice(27, 50).replace(' ', 'T')`)
	for _, f := range res.Findings {
		if at := f.Time.String()[:23]; at >= from && at <= to {
			in++
		}
	}
	if in == 0 || in == len(res.Findings) {
		t.Fatalf("%d findings from %s to %s", in, from, to)
	}
	p.want(shown, fmt.Sprint(in))
	press("filter")
	p.has(matched, fmt.Sprintf("%d of ", in))
	press("all")
	p.text(`(() => { const s = document.getElementById('timeline-host'); s.value = '0'; s.dispatchEvent(new Event('change')); })()`)
	one := 0
	for _, f := range res.Findings {
		if f.Host == p.text(`document.querySelector('#timeline g').dataset.host`) {
			one++
		}
	}
	p.want(shown, fmt.Sprint(one))
	p.text(`document.getElementById('timeline').scrollIntoView({block: 'center'})`)
	for range 40 {
		press("in")
	}
	p.has(`document.getElementById('timeline-range').textContent`, " to ")
	p.want(`document.querySelectorAll('#timeline .tick').length < 20`, "true")
}

// barSum is how many findings the bars of the time line stand for.
const barSum = `[...document.querySelectorAll('#timeline rect title')].map(n => parseInt(n.textContent)).reduce((a, b) => a + b, 0)`

// browserTimeLineLeft: a time line that counts more findings than the page
// holds says so, keeps its span, and is not drawn anew where nothing that is
// held has a time.
func browserTimeLineLeft(t *testing.T, ctx context.Context) {
	const kept, left = 1000, 100
	res := reporttest.Many(kept + left)
	res.Findings[kept].CommandLine = strings.Repeat("x", 100<<20) // the page has no room for it, nor for what follows
	for _, f := range res.Findings {
		f.Host = "WEB.corp.example"
	}
	p := open(t, ctx, res)
	p.want(barSum, fmt.Sprint(kept+left))
	p.has(`document.getElementById('timeline-acts').innerText`, "counts all 1100 findings. A button, or dragging, draws it anew from the 1000 that this file holds.")
	p.text(`document.getElementById('timeline-all').click()`)
	p.want(barSum, fmt.Sprint(kept))
	first, last := res.Findings[0].Time, res.Findings[kept+left-1].Time
	p.want(`document.getElementById('timeline-range').textContent`, first.Time().Format("2006-01-02 15:04:05.000")+" to "+last.Time().Format("2006-01-02 15:04:05.000")+" UTC")

	for _, f := range res.Findings[:kept] {
		f.Time = 0
	}
	p = open(t, ctx, res)
	p.want(barSum, fmt.Sprint(left))
	p.want(`document.getElementById('timeline-acts')`, "null")
	p.has(matched, "1000 of 1000 findings")
}

// browserSessionBeyondList: the findings of a session that the list of the
// filter leaves out are those of that session, by its button and by the
// address.
func browserSessionBeyondList(t *testing.T, ctx context.Context) {
	res := oneEach(reporttest.Many(700))
	p := open(t, ctx, res)
	p.text(`(() => { const b = document.querySelector('button.only'); b.dataset.session = '650'; b.click(); })()`)
	p.has(matched, "1 of 700 findings, 1 of 700 sessions")
	for address, want := range map[string]string{"session=612": "1 of 700 ", "session=700": "700 of 700 ", "session=-1": "0 of 700 ", "session=length": "700 of 700 "} {
		p.text(`location.hash = '?` + address + `'`)
		p.settle()
		p.has(matched, want)
	}
}

// oneEach moves each finding of a result to a session of its own.
func oneEach(res *scan.Result) *scan.Result {
	like := *res.Sessions[0]
	res.Sessions = nil
	for i, f := range res.Findings {
		s := like
		s.Key, s.Findings, s.First, s.Last = fmt.Sprintf("%s/%d", f.Host, i), []*finding.Finding{f}, f.Time, f.Time
		f.Session = s.Key
		res.Sessions = append(res.Sessions, &s)
	}
	return res
}

// browserMarkKept: a note of several lines comes back as it was, from the
// browser and from a file, whatever else the browser keeps.
func browserMarkKept(t *testing.T, ctx context.Context) {
	res := reporttest.Many(30)
	p := open(t, ctx, res)
	const lines = "first line\nsecond \\n line"
	mark := func(row int, text string) {
		p.text(fmt.Sprintf(`(() => {
			document.querySelectorAll('#finding-table tbody tr')[%d].querySelector('a').click();
			const note = document.querySelector('.marking textarea');
			note.value = %q; note.dispatchEvent(new Event('input'));
			document.getElementById('close').click();
		})()`, row, text))
	}
	p.text(`localStorage.clear()`)
	mark(2, "bad entry")
	p.text(`(() => {
		for (const key of Object.keys(localStorage)) localStorage.setItem(key, '{bad');
		localStorage.setItem('webshellscan [bad', 'x');
	})()`)
	mark(3, lines)
	note := func(row int) string {
		return fmt.Sprintf(`(() => {
			document.querySelectorAll('#finding-table tbody tr')[%d].querySelector('a').click();
			const text = document.querySelector('.marking textarea').value;
			document.getElementById('close').click();
			return text;
		})()`, row)
	}
	p.reload()
	p.want(note(2), "")
	p.want(note(3), lines)
	marks := savedMarks(p)
	p.text(`localStorage.clear()`)
	p = openWith(t, ctx, res, report.Options{Page: html.Options{Marks: marks}})
	p.want(note(3), lines)
}
