package scan

import (
	"slices"

	"webshellscan/internal/work"
	"webshellscan/rules"
	"webshellscan/scan/finding"
)

// mapTechniques sets the techniques of each finding: the rules of the set,
// those of the role technique, that its process matches.
func (e *evaluation) mapTechniques(set *rules.Set, findings []*finding.Finding) {
	if len(set.Rules()) == 0 {
		return
	}
	evaluators := e.evaluators(set, e.goroutines)
	panics := work.Each(len(evaluators), (len(findings)+batchSize-1)/batchSize, func(g, i int) {
		by := evaluators[g]
		for _, f := range findings[i*batchSize : min((i+1)*batchSize, len(findings))] {
			for _, rule := range by.match(f.Process) {
				f.Techniques = append(f.Techniques, set.Rules()[rule])
			}
			f.Techniques = slices.Clip(f.Techniques)
		}
	})
	e.crashes.addPanics("techniques", panics)
}
