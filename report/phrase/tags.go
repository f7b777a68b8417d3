package phrase

import "strings"

// TechniqueID returns the technique that a tag names, "" if it names none.
func TechniqueID(tag string) string {
	const prefix = "attack.t"
	if len(tag) < len(prefix) || !strings.EqualFold(tag[:len(prefix)], prefix) {
		return ""
	}
	number, sub, isSub := strings.Cut(tag[len(prefix):], ".")
	if !isDigits(number, 4) || isSub && !isDigits(sub, 3) {
		return ""
	}
	return "T" + tag[len(prefix):]
}

// AnalyticID returns the analytic of MITRE CAR that a tag names, "" if it names
// none: car.2021-02-001 is CAR-2021-02-001.
func AnalyticID(tag string) string {
	if number, ok := strings.CutPrefix(strings.ToLower(tag), "car."); ok && number != "" {
		return "CAR-" + number
	}
	return ""
}

// CountermeasureID returns the technique of MITRE D3FEND that a tag names, ""
// if it names none: d3fend.d3-psa is D3-PSA. Other tags of D3FEND name tactics.
func CountermeasureID(tag string) string {
	id, ok := strings.CutPrefix(strings.ToUpper(tag), "D3FEND.")
	if ok && strings.HasPrefix(id, "D3-") {
		return id
	}
	return ""
}

// TagLink returns what a tag of a rule names and the page that explains it: of
// ATT&CK techniques, groups and software, of CAR analytics and of CVEs. Of
// other tags it returns the tag and no page. Nothing is ever fetched from
// there. Sigma tags specification, "Namespaces".
func TagLink(tag string) (name, url string) {
	space, id, _ := strings.Cut(strings.ToLower(tag), ".")
	switch space {
	case "attack":
		if page := attackURL(id); page != "" {
			return "ATT&CK " + strings.ToUpper(id), page
		}
	case "car":
		if isTagName(id) {
			return "CAR-" + id, "https://car.mitre.org/analytics/CAR-" + id + "/"
		}
	case "cve":
		if number := strings.ReplaceAll(id, ".", "-"); isTagName(number) {
			return "CVE-" + number, "https://nvd.nist.gov/vuln/detail/CVE-" + number
		}
	}
	return tag, ""
}

// attackURL returns the page of a technique (t1505.003), group (g0001) or
// software (s0001), "" for a tactic and anything else.
func attackURL(name string) string {
	const site = "https://attack.mitre.org/"
	id, sub, hasSub := strings.Cut(name, ".")
	if id == "" || !isDigits(id[1:], 4) || hasSub && !isDigits(sub, 3) {
		return ""
	}
	switch upper := strings.ToUpper(id); id[0] {
	case 't':
		if hasSub {
			return site + "techniques/" + upper + "/" + sub + "/"
		}
		return site + "techniques/" + upper + "/"
	case 'g':
		return site + "groups/" + upper + "/"
	case 's':
		return site + "software/" + upper + "/"
	}
	return ""
}

// isTagName reports whether a text is a year, a hyphen, and nothing but digits
// and hyphens, as the names of CVEs and of CAR analytics are.
func isTagName(s string) bool {
	year, rest, _ := strings.Cut(s, "-")
	return isDigits(year, 4) && rest != "" && strings.Trim(rest, "0123456789-") == ""
}

// isDigits reports whether a text is n decimal digits.
func isDigits(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789") == ""
}
