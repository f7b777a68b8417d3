package scan

import (
	"slices"

	"webshellscan/internal/work"
	"webshellscan/scan/finding"
)

// mapTechniques says of each finding which rules of the role technique its
// process matches.
func (d *detection) mapTechniques(findings []*finding.Finding) {
	set := d.techniques
	if len(set.Rules()) == 0 {
		return
	}
	judges := newJudges(set, newMatchers(set, d.options.workers()), d.forest, d.workers)
	failures := work.Each(len(judges), (len(findings)+batchSize-1)/batchSize, func(g, i int) {
		j := judges[g]
		for _, f := range findings[i*batchSize : min((i+1)*batchSize, len(findings))] {
			for _, rule := range j.match(f.Process) {
				f.Techniques = append(f.Techniques, set.Rules()[rule])
			}
			f.Techniques = slices.Clip(f.Techniques)
		}
	})
	d.crashes = append(d.crashes, crashesIn("techniques", failures)...)
}
