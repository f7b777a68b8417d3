package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"webshellscan/internal/plural"
	"webshellscan/report/phrase"
	"webshellscan/report/text"
	"webshellscan/scan"
	"webshellscan/scan/finding"
)

// The layer format of the ATT&CK Navigator, version 4.5
// (https://github.com/mitre-attack/attack-navigator/blob/master/layers/spec/v4.5/layerformat.md).
// The version of ATT&CK is left out: the Navigator then takes its own.
const (
	layerFormat      = "4.5"
	navigatorVersion = "5.1.0" // of those that read it
)

type navigatorLayer struct {
	Name        string               `json:"name"`
	Versions    map[string]string    `json:"versions"`
	Domain      string               `json:"domain"`
	Description string               `json:"description"`
	Filters     map[string][]string  `json:"filters"`
	Sorting     int                  `json:"sorting"`
	Layout      map[string]any       `json:"layout"`
	Techniques  []navigatorTechnique `json:"techniques"`
	Gradient    navigatorGradient    `json:"gradient"`
	LegendItems []struct{}           `json:"legendItems"`
}

type navigatorTechnique struct {
	ID      string `json:"techniqueID"`
	Score   *int   `json:"score,omitempty"`
	Comment string `json:"comment,omitempty"`
	// ShowSub opens a technique of which sub-techniques have a score.
	ShowSub bool `json:"showSubtechniques,omitempty"`
}

type navigatorGradient struct {
	Colors []string `json:"colors"`
	Min    int      `json:"minValue"`
	Max    int      `json:"maxValue"`
}

// techniqueCount is what was found of one technique.
type techniqueCount struct {
	findings     int
	hosts, rules map[string]int
}

// writeNavigator writes a layer for the ATT&CK Navigator: the techniques that
// findings show, each with its number of findings as score.
func writeNavigator(w io.Writer, res *scan.Result, _ Options) error {
	counts := countTechniques(res.Findings)
	layer := navigatorLayer{
		Name: "webshellscan", Domain: "enterprise-attack",
		Versions: map[string]string{"layer": layerFormat, "navigator": navigatorVersion},
		Description: strings.TrimSpace(fmt.Sprintf("Techniques that findings show: %s on %s. The score is the number of findings. %s",
			plural.Count(len(res.Findings), "finding"), plural.Count(countHosts(res.Findings), "host"), phrase.Blind(&res.Summary))),
		Filters:    map[string][]string{"platforms": {"Windows"}},
		Sorting:    3, // by score, the highest first
		Layout:     map[string]any{"layout": "side", "showID": true, "showName": true, "expandedSubtechniques": "annotated"},
		Techniques: []navigatorTechnique{}, LegendItems: []struct{}{},
		Gradient: navigatorGradient{[]string{"#fff2cc", "#e06666"}, 0, 1},
	}
	for _, reason := range res.Summary.BlindScan() {
		layer.Description += " Blind: " + reason + "."
	}
	if res.Summary.Interrupted != nil {
		layer.Description += " " + text.Interrupted + "."
	}
	for _, id := range slices.Sorted(maps.Keys(counts)) {
		c := counts[id]
		t := navigatorTechnique{ID: id, ShowSub: hasSub(counts, id)}
		if c.findings > 0 {
			t.Score, t.Comment = &c.findings, c.comment()
		}
		layer.Techniques = append(layer.Techniques, t)
		layer.Gradient.Max = max(layer.Gradient.Max, c.findings)
	}
	enc := newEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(layer)
}

// countTechniques counts the findings of each technique, and has an empty entry
// for each technique of which only sub-techniques were found.
func countTechniques(findings []*finding.Finding) map[string]*techniqueCount {
	counts := make(map[string]*techniqueCount)
	known := make(techniques)
	for _, f := range findings {
		mapped := slices.Concat(f.Rules, f.Techniques)
		for _, id := range known.ofAll(mapped) {
			c := counts[id]
			if c == nil {
				c = &techniqueCount{hosts: make(map[string]int), rules: make(map[string]int)}
				counts[id] = c
			}
			c.findings++
			c.hosts[f.Host]++
		}
		for _, r := range mapped {
			for _, id := range known.of(r) {
				counts[id].rules[r.Label()]++
			}
		}
	}
	for _, id := range slices.Collect(maps.Keys(counts)) {
		if parent, _, ok := strings.Cut(id, "."); ok && counts[parent] == nil {
			counts[parent] = &techniqueCount{}
		}
	}
	return counts
}

func hasSub(counts map[string]*techniqueCount, id string) bool {
	for other := range counts {
		if strings.HasPrefix(other, id+".") {
			return true
		}
	}
	return false
}

// comment returns where a technique was found, and by which rules.
func (c *techniqueCount) comment() string {
	return fmt.Sprintf("%s. Hosts: %s. Rules: %s.", plural.Count(c.findings, "finding"), tally(c.hosts), tally(c.rules))
}

// tally lists names with their numbers, the highest first.
func tally(counts map[string]int) string {
	names := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		if counts[a] != counts[b] {
			return counts[b] - counts[a]
		}
		return strings.Compare(a, b)
	})
	var parts []string
	for i, name := range names {
		if i == maxListed {
			parts = append(parts, fmt.Sprintf("and %d more", len(names)-maxListed))
			break
		}
		parts = append(parts, fmt.Sprintf("%s (%d)", text.Clip(text.Visible(name), maxName), counts[name]))
	}
	return strings.Join(parts, ", ")
}

// maxName is how many characters of a name stand in a summary.
const maxName = 200

// countHosts counts the hosts that findings are of.
func countHosts(findings []*finding.Finding) int {
	hosts := make(map[string]bool)
	for _, f := range findings {
		hosts[f.Host] = true
	}
	return len(hosts)
}
