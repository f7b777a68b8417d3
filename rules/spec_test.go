package rules_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"webshellscan/rules"
)

// specCase is one detection with events that must and must not match. Section
// names what of the specification it is from.
type specCase struct {
	section   string
	detection string // indented by four blanks
	match     []event
	miss      []event
}

func e(pairs ...string) event {
	out := event{}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = append(out[pairs[i]], pairs[i+1])
	}
	return out
}

// field returns a detection of one item about the field F.
func field(modifiers, value string) string {
	return "    s:\n        F" + modifiers + ": " + value + "\n    condition: s\n"
}

// f returns events with one value of the field F each.
func f(values ...string) []event {
	var out []event
	for _, v := range values {
		out = append(out, e("F", v))
	}
	return out
}

var placeholderValues = map[string][]string{
	"name": {"alpha", "beta*"}, "one": {"x"}, "none": {}, "nets": {"10.0.0.0/8", "fe80::/10"}, "n": {"5"},
}

// specCases are the cases of TestSpecification.
var specCases = [][]specCase{valueCases, modifierCases, encodingCases, comparisonCases, placeholderCases, structureCases, conditionCases}

func TestSpecification(t *testing.T) {
	for _, group := range specCases {
		for _, c := range group {
			t.Run(c.section, func(t *testing.T) {
				set := mustCompile(t, mustParse(t, ruleText(c.detection)), rules.Options{Placeholders: placeholderValues})
				for _, ev := range c.match {
					if !checkRule(t, set, ev, placeholderValues) {
						t.Errorf("no match: %s", describeCase(set.Rules()[0], ev))
					}
				}
				for _, ev := range c.miss {
					if checkRule(t, set, ev, placeholderValues) {
						t.Errorf("match: %s", describeCase(set.Rules()[0], ev))
					}
				}
			})
		}
	}
}

// Sigma rules specification, 2.1.0: "General", "String Wildcard", "Escape
// Character", "Special Field Values".
var valueCases = []specCase{
	{"General: values are case-insensitive strings", field("", `'Whoami'`), f("whoami", "WHOAMI", "Whoami"), f("whoam", "whoami ", "")},
	{"General: case-insensitive beyond ASCII", field("", `'ÄÖÜ СМД Σσς'`), f("äöü смд σσσ", "ÄÖÜ смд ΣΣΣ"), f("aou смд σσσ", "äöü cmd σσσ")},
	{"General: a Cyrillic letter is not a Latin one", field("|endswith", `'\cmd.exe'`), f(`C:\cmd.exe`, `\CMD.EXE`), f(`C:\сmd.exe`, "cmd.exe")},
	{"General: case folding of special letters", field("", `"k\u212A\u017F"`), f("kks", "KKS", "K\u212Aſ"), f("kk", "kkß")},
	{"General: simple folding keeps the number of letters", field("", `'straße'`), f("STRAßE", "STRAẞE"), f("STRASSE")},
	{"String Wildcard: ? is one character", field("", `'prog?.exe'`), f("progA.exe", "prog1.exe", "progß.exe", "prog日.exe"), f("prog.exe", "progAB.exe")},
	{"String Wildcard: * is any number", field("", `'antivirus_V*.exe'`), f("antivirus_V1.exe", "antivirus_V21.2.1.exe", "Antivirus_v.exe"), f("antivirus_.exe", "antivirus_V1.exe ")},
	{"String Wildcard: *something", field("", `'*\w3wp.exe'`), f(`C:\Windows\w3wp.exe`, `\W3WP.EXE`), f("w3wp.exe", `\w3wp.exe.bak`)},
	{"String Wildcard: something*", field("", `'adm*'`), f("adm", "Administrator"), f("badm", "ad")},
	{"String Wildcard: *something*", field("", `'*net user*'`), f("net user", "x net user y", "NET USER"), f("netuser")},
	{"String Wildcard: several stars", field("", `'a*b*c'`), f("abc", "aXbYc", "abbcc", "abcbc"), f("ab", "acb", "abcd", "xabc")},
	{"String Wildcard: stars overlap nothing", field("", `'ab*ba'`), f("abba", "abXba"), f("aba", "ab")},
	{"String Wildcard: questions and stars", field("", `'?a*b?'`), f("xabx", "xaYYbz", "日a日b日"), f("abx", "xab", "xaYb")},
	{"String Wildcard: question marks only", field("", `'???'`), f("abc", "äöü", "日本語"), f("ab", "abcd", "")},
	{"String Wildcard: a star alone", field("", `'*'`), f("", "x", "\x00"), []event{{}}},
	{"String Wildcard: stars in a row", field("", `'a**b'`), f("ab", "axxb"), f("a", "b")},
	{"Escape Character: backslash before a plain character", field("", `'C:\Windows\x'`), f(`C:\Windows\x`), f(`C:Windowsx`, `C:\\Windows\\x`)},
	{"Escape Character: double backslash is one", field("", `'C:\\Windows'`), f(`C:\Windows`), f(`C:\\Windows`)},
	{"Escape Character: escaped star", field("", `'a\*b'`), f("a*b"), f("aXb", `a\*b`, "ab")},
	{"Escape Character: escaped question mark", field("", `'a\?b'`), f("a?b"), f("aXb", `a\?b`)},
	{"Escape Character: backslash and wildcard", field("", `'a\\*b'`), f(`a\b`, `a\xxb`, `a\*b`), f("a*b", "ab")},
	{"Escape Character: backslash and question mark", field("", `'a\\?b'`), f(`a\xb`, `a\?b`), f(`a\b`, "a?b")},
	{"Escape Character: both plain", field("", `'a\\\*b'`), f(`a\*b`), f(`a\xb`, "a*b", `a\\*b`)},
	{"Escape Character: three backslashes are two", field("", `'a\\\b'`), f(`a\\b`), f(`a\b`, `a\\\b`)},
	{"Escape Character: four backslashes are two", field("", `'\\\\server\share'`), f(`\\server\share`), f(`\server\share`, `\\\\server\share`)},
	{"Escape Character: backslash at the end", field("", `'C:\'`), f(`C:\`), f("C:", `C:\\`)},
	{"Escape Character: backslash at the end of contains", field("|contains", `'\Temp\'`), f(`C:\Temp\x`, `\temp\`), f(`C:\Temp`)},
	{"Special Field Values: empty", field("", `''`), f(""), append(f(" ", "x"), event{})},
	{"Special Field Values: null", field("", `null`), []event{{}, e("G", "x")}, f("", "x", "null", "-")},
	{"Special Field Values: null as tilde", field("", `~`), []event{{}}, f("")},
	{"Special Field Values: null as nothing", field("", ``), []event{{}}, f("")},
	{"Special Field Values: the word null", field("", `'null'`), f("null", "NULL"), append(f(""), event{})},
	{"Special Field Values: not null", "    s:\n        A: x\n    f:\n        F: null\n    condition: s and not f\n", []event{e("A", "x", "F", ""), e("A", "X", "F", "1")}, []event{e("A", "x"), e("F", "1")}},
	{"Special Field Values: empty or null", "    a:\n        F: ''\n    b:\n        F: null\n    condition: 1 of them\n", []event{e("F", ""), {}}, f("x", " ")},
	{"Special Field Values: not of an absent field", "    s:\n        F: x\n    condition: not s\n", []event{{}, e("F", "y"), e("F", "")}, f("x", "X")},
	{"Values: a number is the text and the number", field("", `4688`), f("4688", "4688.0", "0x1250", "0X1250"), f("04688x", "46880", "", "x")},
	{"Values: a number as written", field("", `1.10`), f("1.10", "1.1", "1.100"), f("1.11", "11")},
	{"Values: a hexadecimal number", field("", `0x3e7`), f("0x3e7", "0X3E7", "999"), f("3e7", "0x3e8")},
	{"Values: leading zeros", field("", `010`), f("010", "10", "0xA"), f("8")},
	{"Values: a quoted number is a string", field("", `'0x3e7'`), f("0x3e7", "0X3E7"), f("999")},
	{"Values: a negative number", field("", `-1`), f("-1", "-1.0"), f("1", "-10")},
	{"Values: a boolean", field("", `true`), f("true", "True"), f("false", "1", "")},
	{"Values: a date is a string", field("", `2024-01-02`), f("2024-01-02"), f("2024-01-03")},
	{"Values: a list is joined by OR", "    s:\n        F:\n            - a\n            - 7\n            - b*\n    condition: s\n", f("A", "7", "bcd"), f("c", "77", "")},
	{"Values: several contents of one field", field("", `x`), []event{e("F", "y", "F", "x"), e("F", "x", "F", "x")}, []event{e("F", "y", "F", "z")}},
}

// Sigma modifiers appendix, 2.1.0: "Generic Modifiers", "String Modifiers".
var modifierCases = []specCase{
	{"contains", field("|contains", `'EnC '`), f("-enc x", "ENC ", "xenc x"), f("enc", "e nc ")},
	{"contains with wildcards", field("|contains", `'a?c*e'`), f("xxabcdexx", "aXce"), f("ace", "xaXc")},
	{"contains with a star of its own", field("|contains", `'*x*'`), f("x", "axb"), f("a")},
	{"contains nothing", field("|contains", `''`), f("", "x"), []event{{}}},
	{"startswith", field("|startswith", `'adm'`), f("adm", "ADMIN"), f("xadm", "ad", "")},
	{"startswith a plain star", field("|startswith", `'\*'`), f("*x"), f("x")},
	{"endswith", field("|endswith", `'\cmd.exe'`), f(`C:\CMD.exe`, `\cmd.exe`), f("cmd.exe", `\cmd.exe `)},
	{"endswith beyond ASCII", field("|endswith", `'é.exe'`), f("CAFÉ.EXE", "é.exe"), f("e.exe")},
	{"all joins by AND", "    s:\n        F|contains|all:\n            - one\n            - two\n    condition: s\n", f("one two", "twoone"), f("one", "two", "")},
	{"all in any order", "    s:\n        F|all|contains:\n            - one\n            - two\n    condition: s\n", f("one two"), f("one")},
	{"all is about one content", "    s:\n        F|contains|all:\n            - one\n            - two\n    condition: s\n", []event{e("F", "x", "F", "two one")}, []event{e("F", "one", "F", "two")}},
	{"all with overlapping values", "    s:\n        F|startswith|all:\n            - ab\n            - abc\n    condition: s\n", f("abcd"), f("ab", "abd")},
	{"exists", field("|exists", `true`), f("", "x"), []event{{}, e("G", "x")}},
	{"exists false", field("|exists", `false`), []event{{}, e("G", "x")}, f("", "x")},
	{"cased", field("|cased", `'Whoami'`), f("Whoami"), f("whoami", "WHOAMI")},
	{"cased contains", field("|contains|cased", `'EnC'`), f("xEnCx"), f("xencx", "xENCx")},
	{"cased in front", field("|cased|endswith", `'.EXE'`), f("a.EXE"), f("a.exe")},
	{"cased startswith", field("|startswith|cased", `'A'`), f("Ab"), f("ab")},
	{"cased with wildcards", field("|cased", `'A*Z'`), f("AZ", "AxZ"), f("az", "Az")},
	{"cased beyond ASCII", field("|contains|cased", `'Ä'`), f("xÄ"), f("xä")},
	{"neq", field("|neq", `'x'`), append(f("y", ""), event{}), f("x", "X")},
	{"neq of several", "    s:\n        F|neq:\n            - x\n            - y\n    condition: s\n", append(f("z"), event{}), f("x", "Y")},
	{"neq contains", field("|contains|neq", `'x'`), f("y"), f("axb")},
	{"neq of a number", field("|neq", `5`), f("6", "x"), f("5", "5.0")},
	{"neq of one of several contents", field("|neq", `'x'`), []event{e("F", "y", "F", "z")}, []event{e("F", "y", "F", "x")}},
	{"neq null", field("|neq", `null`), f("", "x"), []event{{}}},
	{"neq all", "    s:\n        F|contains|all|neq:\n            - a\n            - b\n    condition: s\n", f("a", "b", "c"), f("ab", "b a")},
	{"windash: all five dashes", field("|contains|windash", `' -enc '`), f("x -enc y", "x /ENC y", "x –enc y", "x —enc y", "x ―enc y"), f("x enc y", "x _enc y", "x ‐enc y")},
	{"windash from any dash", field("|contains|windash", `' ―x'`), f(" -x", " /x", " –x", " —x"), f(" x")},
	{"windash: every permutation", field("|windash", `'-a/b'`), f("/a-b", "-a-b", "/a/b", "—a–b"), f("a/b", "-ab", "_a/b")},
	{"windash endswith", field("|endswith|windash", `' -f'`), f("x /f", "x —F"), f("x -f ", "x f")},
	{"windash startswith", field("|startswith|windash", `'/c'`), f("-c x", "–C"), f("c", " /c")},
	{"windash with wildcards", field("|windash", `'* -?nc*'`), f("x /enc y", "a –Inc"), f("-enc", "x /nc")},
	{"windash cased", field("|contains|windash|cased", `'-E'`), f("/E", "—E"), f("-e", "/e")},
	{"without windash dashes differ", field("|contains", `' -enc'`), f(" -enc"), f(" /enc", " –enc")},
	{"without windash slashes differ", field("|contains", `'a/b'`), f("xa/bx"), f("xa-bx", "xa–bx")},
	{"re is case-sensitive", field("|re", `'net\s+user'`), f("net  user", "xnet\tuserx"), f("NET user", "netuser")},
	{"re is searched for anywhere", field("|re", `'b+'`), f("abbbc"), f("ac", "B")},
	{"re anchored", field("|re", `'^a.c$'`), f("abc"), f("abcd", "xabc", "a\nc")},
	{"re classes, alternatives, groups, repetitions", field("|re", `'(cmd|powershell) [^a-f]{2,3}[0-9]?$'`), f("cmd zz", "x powershell zzz1"), f("cmd az", "cmd z")},
	{"re i", field("|re|i", `'NET\s+user'`), f("net  USER", "Net user"), f("netuser")},
	{"re m", field("|re|m", `'^b$'`), f("a\nb\nc", "b"), f("ab", "a\nbc")},
	{"re without m", field("|re", `'^b$'`), f("b"), f("a\nb\nc")},
	{"re s", field("|re|s", `'a.b'`), f("a\nb", "axb"), f("ab")},
	{"re i m s", field("|re|i|m|s", `'^A.B$'`), f("x\na\nb\ny"), f("xa\nb")},
	{"re all", "    s:\n        F|re|all:\n            - 'a+'\n            - 'b+'\n    condition: s\n", f("ab", "bba"), f("a", "b")},
	{"re neq", field("|re|neq", `'^a'`), append(f("b"), event{}), f("a")},
	{"re startswith", field("|re|startswith", `'a|b'`), f("ax", "b"), f("xa", "xb")},
	{"re endswith", field("|re|endswith", `'a|b'`), f("xa", "b"), f("ax", "bx")},
	{"re contains", field("|re|contains", `'a|b'`), f("xax"), f("x")},
	{"re keeps Sigma's escapes as its own", field("|re", `'a\*b\\c'`), f(`a*b\c`), f(`aab\c`, `a*bc`)},
	{"re of something empty", field("|re", `'^$'`), f(""), append(f("x"), event{})},
	{"re with literals of one character", field("|re", `'\+.*\+'`), f("a+b+c", "++"), f("+", "a")},
	{"re with a class as literal", field("|re", `'[Cc][Mm][Dd]\.exe'`), f("CmD.exe"), f("cmd.EXE", "cm.exe")},
	{"re with dashes in a literal", field("|re", `' -e|/x'`), f("a -e", "b/x"), f("a /e", "b-x")},
	{"re of bytes that are no text", field("|re", `'^.$'`), f("\xff", "ä"), f("\xff\xfe")},
	{"re of long lines", field("|re", `'.{5,}'`), f("abcde", "ab\nabcdef\nab", "日本語日本", "\xff\xff\xff\xff\xff"), f("abcd", "abcd\nabcd", "日本語日", "")},
	{"re of a number of anything", field("|re", `'.{2,3}'`), f("ab", "abcdef"), f("a", "a\nb")},
	{"re with a run", field("|re", `'x[a-f0-9]{8}'`), f("zx0123abcdz", "xx012345678"), f("0123abcd", "x0123abc", "x0123abcX4567abcd")},
	{"re with a run beyond ASCII", field("|re", `'[à-ü]{4,}'`), f("éééé", "xàáâãy"), f("ééé", "éé éé", "abcdefgh")},
	{"re with two runs", field("|re", `'[0-9]{4}-[a-z]{6}'`), f("1234-abcdef"), f("1234-abcde", "abcdef-1234")},
	{"re of literals and anything", field("|re", `'a.*b.*c'`), f("xaxbxcx", "abc", "\nabc\n"), f("acb", "a\nbc", "ab\nc", "ABC")},
	{"re of literals and anything without case", field("|re|i", `'a.*É'`), f("xaé", "Aé", "AxÉ"), f("éa", "a\né")},
	{"re of literals and anything, some without case", field("|re", `'a.*(?i:b)'`), f("axB", "ab"), f("Ab")},
	{"fieldref", "    s:\n        F|fieldref: G\n    condition: s\n", []event{e("F", "a", "G", "A"), e("F", "", "G", ""), e("F", "b", "G", "a", "G", "b")}, []event{e("F", "a", "G", "b"), e("F", "a"), e("G", "a"), {}}},
	{"fieldref startswith", "    s:\n        F|fieldref|startswith: G\n    condition: s\n", []event{e("F", "abc", "G", "AB"), e("F", "abc", "G", "")}, []event{e("F", "abc", "G", "bc"), e("F", "ab", "G", "abc")}},
	{"fieldref endswith", "    s:\n        F|fieldref|endswith: G\n    condition: s\n", []event{e("F", "abc", "G", "BC")}, []event{e("F", "abc", "G", "ab")}},
	{"fieldref contains", "    s:\n        F|contains|fieldref: G\n    condition: s\n", []event{e("F", "abc", "G", "B")}, []event{e("F", "abc", "G", "d")}},
	{"fieldref neq", "    s:\n        F|fieldref|neq: G\n    condition: s\n", []event{e("F", "a", "G", "b"), e("F", "a")}, []event{e("F", "a", "G", "A")}},
	{"fieldref cased", "    s:\n        F|fieldref|cased: G\n    condition: s\n", []event{e("F", "a", "G", "a")}, []event{e("F", "a", "G", "A")}},
	{"fieldref of several", "    s:\n        F|fieldref:\n            - G\n            - H\n    condition: s\n", []event{e("F", "a", "H", "a")}, []event{e("F", "a", "G", "b")}},
	{"fieldref all", "    s:\n        F|fieldref|all:\n            - G\n            - H\n    condition: s\n", []event{e("F", "a", "G", "a", "H", "A")}, []event{e("F", "a", "H", "a"), e("F", "a", "G", "b", "H", "a")}},
	{"fieldref beside other items", "    s:\n        F|fieldref: G\n        F|contains: x\n    f:\n        F|fieldref: H\n    condition: s and not f\n", []event{e("F", "ax", "G", "ax")}, []event{e("F", "a", "G", "a"), e("F", "ax", "G", "ax", "H", "AX")}},
}

// Sigma modifiers appendix, 2.1.0: "Encoding".
var encodingCases = []specCase{
	{"base64", field("|base64", `'whoami'`), f("d2hvYW1p", "D2HVYW1P"), f("whoami", "xd2hvYW1p")},
	{"base64 contains", field("|base64|contains", `'/bin/bash'`), f("xL2Jpbi9iYXNoy"), f("/bin/bash")},
	{"base64 cased", field("|base64|cased", `'whoami'`), f("d2hvYW1p"), f("D2HVYW1P")},
	{"base64 of a plain star", field("|base64", `'a\*'`), f("YSo="), f("a*")},
	{"base64offset contains", field("|base64offset|contains", `'/bin/bash'`), f("xL2Jpbi9iYXNox", "x9iaW4vYmFzax", "xvYmluL2Jhc2x"), f("/bin/bash", "L2Jpbg")},
	{"base64offset at every place", field("|base64offset|contains|cased", `'Invoke'`), f("SW52b2tl", "IEludm9rZSA=", "ICBJbnZva2UgIA=="), f("aW52b2tl", "Invoke")},
	{"wide", field("|wide", `'cmd'`), f("c\x00m\x00d\x00", "C\x00M\x00D\x00"), f("cmd", "\x00c\x00m\x00d")},
	{"utf16le is wide", field("|utf16le|contains", `'cmd'`), f("xxc\x00m\x00d\x00xx"), f("cmd")},
	{"utf16be", field("|utf16be|contains", `'cmd'`), f("x\x00c\x00m\x00d"), f("c\x00m\x00d\x00")},
	{"utf16 has a byte order mark", field("|utf16|base64", `'cmd'`), f("//5jAG0AZAA="), f("YwBtAGQA")},
	{"utf16 without Base64", field("|utf16", `'c'`), f("ÿþc\x00"), f("c\x00")},
	{"wide with wildcards", field("|wide", `'c*d'`), f("c\x00xxd\x00"), f("cd")},
	{"wide beyond ASCII", field("|wide|base64", `'é日'`), f("6QDlZQ=="), f("w6nml6U=")},
	{"wide base64offset contains", field("|wide|base64offset|contains", `'http'`), f("xaAB0AHQAcAx", "ACgAaAB0AHQAcAA6A", "oAHQAdABwAD"), f("http", "aHR0cA==")},
	{"wide base64offset of an encoded command", field("|utf16le|base64offset|contains", `'IEX'`), f("powershell -enc SQBFAFgAIAAoACcAJwApAA=="), f("powershell IEX")},
	{"windash before base64", field("|windash|base64|contains", `' -x'`), f("IC14", "IC94", "IOKAk3g="), f(" -x", "IHg=")},
	{"windash before wide and base64offset", field("|windash|wide|base64offset|contains", `'-e'`), f("LwBlAA==", "LQBlAA=="), f("-e")},
	{"base64 of several values", "    s:\n        F|base64|contains|all:\n            - aaa\n            - bbb\n    condition: s\n", f("YWFhYmJi"), f("YWFh")},
}

// Sigma modifiers appendix, 2.1.0: "Numeric Modifiers", "Time Modifiers", "IP
// (Internet Protocol) Modifiers".
var comparisonCases = []specCase{
	{"lt", field("|lt", `10`), f("9", "-5", "9.99", "0x9"), append(f("10", "11", "x", "", "9x"), event{})},
	{"lte", field("|lte", `10`), f("10", "9", "0xA"), f("10.01", "11")},
	{"gt", field("|gt", `10`), f("11", "10.5", "1e3"), f("10", "9")},
	{"gte", field("|gte", `10`), f("10", "11"), f("9.99")},
	{"gt with a fraction", field("|gt", `0.5`), f("0.6", "1"), f("0.5", "0.4")},
	{"gt of large numbers", field("|gt", `9223372036854775807`), f("9223372036854775808", "0xffffffffffffffff"), f("9223372036854775807", "1")},
	{"lt of negative numbers", field("|lt", `-3`), f("-4", "-3.5"), f("-3", "3")},
	{"gte and lte", "    s:\n        F|gte: 5\n        F|lte: 7\n    condition: s\n", f("5", "6", "7"), f("4", "8")},
	{"gt neq", field("|gt|neq", `10`), append(f("9", "x"), event{}), f("11")},
	{"gt of several", "    s:\n        F|gt:\n            - 10\n            - 5\n    condition: s\n", f("6"), f("5")},
	{"gt all", "    s:\n        F|gt|all:\n            - 10\n            - 5\n    condition: s\n", f("11"), f("6")},
	{"minute", field("|minute", `51`), f("2019-03-02 08:51:00.008", "2019-03-02T08:51:00Z"), f("2019-03-02 08:50:00", "2019-03-02", "x")},
	{"hour", field("|hour", `8`), f("2019-03-02 08:51:00.008"), f("2019-03-02 18:51:00", "2019-03-02")},
	{"hour gte", field("|hour|gte", `20`), f("2019-03-02T20:00:00Z", "2019-03-02T23:59:59+02:00"), f("2019-03-02T19:59:00Z")},
	{"day", field("|day", `2`), f("2019-03-02 08:51:00", "2019-03-02"), f("2019-02-03", "2019-03-20", "2019-02-30")},
	{"week", field("|week", `9`), f("2019-03-02"), f("2019-03-04")},
	{"month", field("|month", `3`), f("2019-03-02"), f("2019-02-03")},
	{"year", field("|year", `2019`), f("2019-03-02 08:51:00"), f("2018-03-02", "2019")},
	{"year lt", field("|year|lt", `2019`), f("2018-12-31T23:59:59Z"), f("2019-01-01")},
	{"month of several", "    s:\n        F|month:\n            - 1\n            - 12\n    condition: s\n", f("2019-01-05", "2019-12-05"), f("2019-11-05")},
	{"hour neq", field("|hour|neq", `8`), f("2019-03-02 09:00:00", "x"), f("2019-03-02 08:00:00")},
	{"cidr", field("|cidr", `10.0.0.0/8`), f("10.1.2.3", "10.255.255.255"), f("11.0.0.1", "x", "", "10.1.2", "10.1.2.3/32")},
	{"cidr of IPv6", field("|cidr", `'fe80::/10'`), f("fe80::1", "FEBF::1"), f("fec0::1", "10.0.0.1")},
	{"cidr of several", "    s:\n        F|cidr:\n            - 192.168.0.0/16\n            - 127.0.0.1/32\n    condition: s\n", f("192.168.7.7", "127.0.0.1"), f("127.0.0.2")},
	{"cidr of one address", field("|cidr", `127.0.0.1`), f("127.0.0.1"), f("127.0.0.2")},
	{"cidr with host bits", field("|cidr", `10.1.2.3/8`), f("10.9.9.9"), f("11.1.2.3")},
	{"cidr of an IPv4 address in IPv6 form", field("|cidr", `10.0.0.0/8`), f("::ffff:10.1.1.1"), f("::ffff:11.1.1.1")},
	{"cidr neq", field("|cidr|neq", `10.0.0.0/8`), append(f("11.0.0.1", "x"), event{}), f("10.0.0.1")},
}

// Sigma rules specification, 2.1.0: "Placeholders".
var placeholderCases = []specCase{
	{"without expand a placeholder is plain", field("", `'%name%'`), f("%name%"), f("alpha")},
	{"expand", field("|expand", `'%name%'`), f("alpha", "ALPHA", "beta", "betamax"), f("%name%", "alphabet")},
	{"expand within text", field("|expand", `'srv-%name%-x'`), f("srv-alpha-x", "srv-betaZ-x"), f("srv--x")},
	{"expand escaped", field("|expand", `'\%plain%one%'`), f("%plainx"), f("%plain%one%", `\%plainx`)},
	{"expand a lone percent sign", field("|expand", `'100%'`), f("100%"), f("100")},
	{"expand a backslash before a placeholder", field("|expand", `'C:\\%one%'`), f(`C:\x`), f(`C:%one%`)},
	{"expand contains", field("|contains|expand", `'%name%'`), f("xalphax", "xbetax"), f("gamma")},
	{"expand all", "    s:\n        F|expand|contains|all:\n            - '%name%'\n            - '%one%'\n    condition: s\n", f("alpha x", "xbeta"), f("alpha", "x")},
	{"expand two", field("|expand", `'%name%:%name%'`), f("alpha:alpha", "alpha:beta", "beta:alpha"), f("alpha:")},
	{"expand without values", field("|expand", `'%none%'`), nil, append(f("%none%", ""), event{})},
	{"expand without values in a list", "    s:\n        F|expand:\n            - '%none%'\n            - y\n    condition: s\n", f("y"), f("%none%")},
	{"expand cidr", field("|cidr|expand", `'%nets%'`), f("10.1.1.1", "fe80::1"), f("11.1.1.1")},
	{"expand gt", field("|gt|expand", `'%n%'`), f("6"), f("5")},
	{"expand re", field("|re|expand", `'^a%name%$'`), f("aalpha", "abetamax"), f("alpha", "aalphaX")},
	{"expand base64", field("|expand|base64", `'%one%'`), f("eA=="), f("x")},
	{"expand windash", field("|expand|windash|contains", `'-%one%'`), f("/x"), f("x")},
}

// Sigma rules specification, 2.1.0: "Lists", "Maps", "Keywords search".
var structureCases = []specCase{
	{"Maps: AND", "    s:\n        A: x\n        B:\n            - 1\n            - 2\n    condition: s\n", []event{e("A", "x", "B", "2")}, []event{e("A", "x", "B", "3"), e("A", "x"), e("B", "1")}},
	{"Maps: one field twice", "    s:\n        A|startswith: x\n        A|endswith: y\n    condition: s\n", []event{e("A", "xy"), e("A", "xzy")}, []event{e("A", "x"), e("A", "y")}},
	{"Lists: maps are joined by OR", "    s:\n        - A|endswith: '\\\\example.exe'\n        - B|contains: 'Test'\n    condition: s\n", []event{e("A", `C:\example.exe`), e("B", "a test")}, []event{e("A", "example.exe"), e("B", "tes")}},
	{"Lists: maps of several items", "    s:\n        - A: 1\n          B: 2\n        - C: 3\n    condition: s\n", []event{e("A", "1", "B", "2"), e("C", "3")}, []event{e("A", "1"), e("B", "2", "C", "4")}},
	{"Lists: keywords", "    k:\n        - 'EVILSERVICE'\n        - 'svchost.exe -n evil'\n    condition: k\n", []event{e("A", "the EvilService x"), e("B", "x", "C", "C:\\svchost.exe -n evil")}, []event{e("A", "evil"), {}}},
	{"Keywords: one", "    k: 'mimikatz'\n    condition: k\n", []event{e("A", "x Mimikatz y")}, []event{e("A", "mimi", "B", "katz")}},
	{"Keywords: all", "    k:\n        '|all':\n            - 'OabVirtualDirectory'\n            - ' -ExternalUrl '\n    condition: k\n", []event{e("A", "x OabVirtualDirectory -externalurl y"), e("A", "OabVirtualDirectory", "B", "x -ExternalUrl y")}, []event{e("A", "OabVirtualDirectory"), e("B", " -ExternalUrl ")}},
	{"Keywords: wildcards", "    k:\n        - 'a*c?e'\n    condition: k\n", []event{e("A", "xxabbcdexx")}, []event{e("A", "ace")}},
	{"Keywords: numbers", "    k:\n        - 4625\n    condition: k\n", []event{e("A", "event 4625 x")}, []event{e("A", "462")}},
	{"Keywords: re", "    k:\n        '|re': 'a[0-9]+b'\n    condition: k\n", []event{e("A", "x", "B", "za12bz")}, []event{e("A", "ab")}},
	{"Keywords: startswith and cased", "    k:\n        '|startswith|cased':\n            - 'Abc'\n    condition: k\n", []event{e("A", "Abcd")}, []event{e("A", "abcd"), e("A", "xAbc")}},
	{"Keywords: neq", "    k:\n        '|neq': 'abc'\n    condition: k\n", []event{e("A", "x"), {}}, []event{e("A", "xabcx")}},
	{"Keywords and maps in one list", "    s:\n        - evil\n        - A: x\n    condition: s\n", []event{e("B", "so evil"), e("A", "x")}, []event{e("B", "x")}},
	{"Keywords and a map with all", "    s:\n        A: x\n        '|all':\n            - one\n            - two\n    condition: s\n", []event{e("A", "x", "B", "one", "C", "two")}, []event{e("A", "x", "B", "one")}},
}

// Sigma rules specification, 2.1.0: "Condition".
var conditionCases = []specCase{
	{"and", three("a and b"), abc("ab", "abc"), abc("a", "b", "")},
	{"or", three("a or b"), abc("a", "b", "ab"), abc("c", "")},
	{"not", three("a and not b"), abc("a", "ac"), abc("ab", "b", "")},
	{"brackets", three("a and (b or c)"), abc("ab", "ac", "abc"), abc("a", "bc")},
	{"precedence: and before or", three("a or b and c"), abc("a", "bc", "abc"), abc("b", "c")},
	{"precedence: and before or, the other way", three("a and b or c"), abc("ab", "c"), abc("a", "b")},
	{"precedence: not before and", three("not a and b"), abc("b", "bc"), abc("a", "ab", "")},
	{"precedence: not before or", three("not a or b"), abc("", "b", "ab", "c"), abc("a", "ac")},
	{"precedence: of before not", three("not 1 of a*"), abc("", "b"), abc("a")},
	{"not of brackets", three("not (a or b)"), abc("", "c"), abc("a", "bc")},
	{"not not", three("not not a"), abc("a"), abc("")},
	{"1 of them", three("1 of them"), abc("a", "b", "c"), abc("")},
	{"any of them", three("any of them"), abc("a", "c"), abc("")},
	{"all of them", three("all of them"), abc("abc"), abc("ab", "")},
	{"2 of them", three("2 of them"), abc("ab", "bc", "abc"), abc("a", "c", "")},
	{"3 of them", three("3 of them"), abc("abc"), abc("ab")},
	{"not 2 of them", three("not 2 of them"), abc("a", ""), abc("ab", "abc")},
	{"words in capitals", three("A1 AND NOT 1 OF b*", "a", "A1"), nil, nil},
	{"1 of pattern", patterns("1 of selection_*"), abc("a", "b"), abc("c", "")},
	{"all of pattern", patterns("all of selection_*"), abc("ab"), abc("a", "bc")},
	{"pattern with a star in the middle", patterns("1 of sel*_two"), abc("b"), abc("a", "c")},
	{"pattern that is a name", patterns("1 of selection_one"), abc("a"), abc("b")},
	{"patterns and not", patterns("1 of selection_* and not 1 of filter*"), abc("a", "ab"), abc("ac", "c")},
	{"underscore is not among them", "    a:\n        A: x\n    _b:\n        B: x\n    condition: all of them\n", abc("a"), abc("b")},
	{"underscore by name", "    a:\n        A: x\n    _b:\n        B: x\n    condition: a and _b\n", abc("ab"), abc("a")},
	{"underscore by pattern", "    a:\n        A: x\n    _b:\n        B: x\n    condition: 1 of _*\n", abc("b"), abc("a")},
	{"a list of conditions is joined by OR", "    a:\n        A: x\n    b:\n        B: x\n    condition:\n        - a\n        - b\n", abc("a", "b"), abc("c")},
	{"no blanks around brackets", three("(a)and(b)"), abc("ab"), abc("a")},
	{"one search twice", three("a or (a and b)"), abc("a", "ab"), abc("b")},
	{"a search and its negation", three("a and not a or b"), abc("b"), abc("a", "")},
	{"nested", three("(a and (b or (c and not b))) or not (a or b or c)"), abc("ab", "ac", ""), abc("a", "b", "c", "bc")},
}

// three returns a detection of searches a, b and c; names replace some of them.
func three(condition string, rename ...string) string {
	names := map[string]string{"a": "a", "b": "b", "c": "c"}
	for i := 0; i+1 < len(rename); i += 2 {
		names[rename[i]] = rename[i+1]
	}
	return "    " + names["a"] + ":\n        A: x\n    " + names["b"] + ":\n        B: x\n    " + names["c"] + ":\n        C: x\n    condition: " + condition + "\n"
}

func patterns(condition string) string {
	return "    selection_one:\n        A: x\n    selection_two:\n        B: x\n    filter:\n        C: x\n    condition: " + condition + "\n"
}

// abc returns events in which those of the searches a, b and c match that the
// letters name.
func abc(letters ...string) []event {
	var out []event
	for _, l := range letters {
		ev := event{}
		for _, r := range l {
			ev[string(r-'a'+'A')] = []string{"x"}
		}
		out = append(out, ev)
	}
	return out
}

// TestModifiersAreListed: docs/RULES.md has a row for each modifier.
func TestModifiersAreListed(t *testing.T) {
	page, err := os.ReadFile("../docs/RULES.md")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(page), "\n## Modifiers\n")
	list, _, _ = strings.Cut(list, "\n## ")
	for _, name := range rules.ModifierNames() {
		if !strings.Contains(list, "`"+name+"`") {
			t.Errorf("docs/RULES.md has no modifier %s", name)
		}
	}
}

// TestModifiersHaveCases: TestSpecification has a case with each modifier.
func TestModifiersHaveCases(t *testing.T) {
	var detections strings.Builder
	for _, group := range specCases {
		for _, c := range group {
			detections.WriteString(c.detection)
		}
	}
	for _, name := range rules.ModifierNames() {
		if !regexp.MustCompile(`\|` + name + `\b`).MatchString(detections.String()) {
			t.Errorf("no case has the modifier %s", name)
		}
	}
}
