package report

import (
	"crypto/sha1" //nolint:gosec // UUIDs of version 5 are made of it
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"strings"

	"webshellscan/report/text"
	"webshellscan/scan/event"
)

// STIX 2.1 (https://docs.oasis-open.org/cti/stix/v2.1/os/stix-v2.1-os.html):
// section 4.7 Indicator, 8 Bundle, 9 patterns.

// stixEnding is how the names of files end that hold STIX.
const stixEnding = ".stix.json"

type stixBundle struct {
	Type    string          `json:"type"`
	ID      string          `json:"id"`
	Objects []stixIndicator `json:"objects,omitempty"`
}

type stixIndicator struct {
	Type           string   `json:"type"`
	SpecVersion    string   `json:"spec_version"`
	ID             string   `json:"id"`
	Created        string   `json:"created"`
	Modified       string   `json:"modified"`
	Name           string   `json:"name"`
	Description    string   `json:"description"`
	IndicatorTypes []string `json:"indicator_types"`
	Pattern        string   `json:"pattern"`
	PatternType    string   `json:"pattern_type"`
	ValidFrom      string   `json:"valid_from"`
	Labels         []string `json:"labels"`
}

// writeSTIX writes indicators as a bundle. IDs are made of what they stand for
// and times are those of the evidence: the same indicators give the same bytes.
func writeSTIX(w io.Writer, list []*indicator) error {
	bundle := stixBundle{Type: "bundle", Objects: make([]stixIndicator, 0, len(list))}
	var ids strings.Builder
	for _, i := range list {
		o := newSTIX(i)
		bundle.Objects = append(bundle.Objects, o)
		ids.WriteString(o.ID + o.Created + o.Modified)
	}
	bundle.ID = "bundle--" + uuid5(ids.String())
	enc := newEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(bundle)
}

// maxSTIXNames bounds how many hosts a description names.
const maxSTIXNames = 20

func newSTIX(i *indicator) stixIndicator {
	pattern := stixPattern(i)
	hosts := i.hosts[:min(len(i.hosts), maxSTIXNames)]
	said := fmt.Sprintf("Below a server on %s, from %s to %s; known from: %s.", text.Visible(strings.Join(hosts, ", ")), i.first, i.last, strings.Join(i.sources, ", "))
	if i.hash != "" {
		said += " Hashes: " + text.Visible(i.hash) + "."
	}
	created := stixTime(i.first)
	return stixIndicator{
		Type: "indicator", SpecVersion: "2.1", ID: "indicator--" + uuid5(pattern), Created: created, Modified: stixTime(i.last),
		Name: i.kind.String() + " " + text.Visible(i.value), Description: said, IndicatorTypes: []string{"anomalous-activity"},
		Pattern: pattern, PatternType: "stix", ValidFrom: created, Labels: []string{i.kind.String()},
	}
}

// stixTime writes a time to the millisecond, as created and modified want it.
func stixTime(t event.Time) string { return t.Time().Format("2006-01-02T15:04:05.000Z") }

// stixPattern returns the pattern that an indicator is found by.
func stixPattern(i *indicator) string {
	switch i.kind {
	case indicatorFile:
		return stixFile(i.value)
	case indicatorHash:
		return stixComparison("file:hashes."+stixHash(i.value), i.value)
	case indicatorAddress:
		if ip, err := netip.ParseAddr(i.value); err == nil && ip.Is6() && !ip.Is4In6() {
			return stixComparison("ipv6-addr:value", i.value)
		}
		return stixComparison("ipv4-addr:value", i.value)
	case indicatorDomain:
		return stixComparison("domain-name:value", i.value)
	case indicatorURL:
		return stixComparison("url:value", i.value)
	case indicatorAccount:
		return stixComparison("user-account:account_login", i.value)
	case indicatorService:
		return stixComparison("process:extensions.'windows-service-ext'.service_name", i.value)
	default: // Windows keeps each task in a file of its name
		return stixFile(`C:\Windows\System32\Tasks\` + strings.TrimPrefix(i.value, `\`))
	}
}

// stixFile is the pattern of a path.
func stixFile(path string) string {
	end := strings.LastIndexAny(path, `\/`)
	name := stixTerm("file:name", path[end+1:])
	if end <= 0 {
		return "[" + name + "]"
	}
	return "[" + name + " AND " + stixTerm("file:parent_directory_ref.path", path[:end]) + "]"
}

func stixComparison(object, value string) string { return "[" + stixTerm(object, value) + "]" }

// stixTerm compares a property with a text, in which quotes and backslashes are
// escaped.
func stixTerm(object, value string) string {
	return object + " = '" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// stixHash names the algorithm of a hash by its length in hexadecimal digits.
func stixHash(value string) string {
	switch len(value) {
	case 32:
		return "MD5"
	case 40:
		return "'SHA-1'"
	case 128:
		return "'SHA-512'"
	}
	return "'SHA-256'"
}

// stixNamespace is the namespace of the IDs: the UUID of version 5 of
// "webshellscan" in that of DNS names (RFC 9562, section 6.6). STIX keeps its
// own namespace for observables.
var stixNamespace = uuidIn([16]byte{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}, "webshellscan")

// uuid5 returns the UUID of version 5 of a name, as text.
func uuid5(name string) string {
	id := uuidIn(stixNamespace, name)
	s := hex.EncodeToString(id[:])
	return strings.Join([]string{s[:8], s[8:12], s[12:16], s[16:20], s[20:]}, "-")
}

// uuidIn returns the UUID of version 5 of a name in a namespace (RFC 9562,
// section 5.5).
func uuidIn(namespace [16]byte, name string) [16]byte {
	sum := sha1.Sum(append(namespace[:], name...)) //nolint:gosec // see above
	var id [16]byte
	copy(id[:], sum[:])
	id[6] = id[6]&0x0F | 0x50
	id[8] = id[8]&0x3F | 0x80
	return id
}
