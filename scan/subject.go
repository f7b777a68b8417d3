package scan

import (
	"strconv"
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
	"webshellscan/scan/rights"
)

// subject shows a process to rules: it answers to the field names of Sigma's
// process_creation taxonomy, to raw field names, and to those that only a tree
// has. A subject is for one goroutine.
type subject struct {
	forest    *proctree.Forest
	texts     *proctree.Texts
	fields    *proctree.FieldReader
	servers   *serverMap // nil while the servers are being found
	getters   []getter   // by field of the set
	process   proctree.Process
	finding   *weighed         // of the process, when its level is asked for
	session   *finding.Session // whose worker the process is, when its level is asked for
	hashes    map[proctree.TextID]sysmonHashes
	commands  map[proctree.TextID]*command
	sessions  map[proctree.Process]string         // keys of workers
	names     map[proctree.TextID]proctree.TextID // file names of images
	levels    map[proctree.TextID]proctree.TextID // integrity levels, by name and by SID
	seen      map[[2]proctree.TextID]int          // serverMap.others, by product and image
	rights    *rights.Comparer
	members   []proctree.TextID  // scratch
	records   []finding.Evidence // scratch
	way       []string           // scratch
	findings  slab[finding.Finding]
	evidence  slab[finding.Evidence]
	ancestors slab[string]
}

// newSubject returns a subject for a set of rules.
func newSubject(set *rules.Set, forest *proctree.Forest, servers *serverMap) *subject {
	s := &subject{
		forest: forest, texts: forest.Texts(), fields: proctree.NewFieldReader(forest), servers: servers,
		hashes: make(map[proctree.TextID]sysmonHashes), commands: make(map[proctree.TextID]*command), sessions: make(map[proctree.Process]string),
		names: make(map[proctree.TextID]proctree.TextID), rights: rights.New(forest),
		levels: make(map[proctree.TextID]proctree.TextID), seen: make(map[[2]proctree.TextID]int),
	}
	for _, name := range set.Fields() {
		s.getters = append(s.getters, getterOf(name))
	}
	return s
}

// bundlesOf returns the fields of a set by the facet that a process has them
// from, and from nothing else: see plainField. Those of a parent's facet have
// all getters of their own, so that one is left out.
func bundlesOf(set *rules.Set) [][]int {
	bundles := make([][]int, proctree.FacetParent)
	for i, name := range set.Fields() {
		if facet, ok := proctree.FacetOf(plainField(name)); ok && int(facet) < len(bundles) {
			bundles[facet] = append(bundles[facet], i)
		}
	}
	return bundles
}

// plainField returns the field of a record that alone decides what a process
// has for a field name, FieldNone if there is none such.
func plainField(name string) event.FieldID {
	lower := strings.ToLower(name)
	switch lower {
	case "md5", "sha1", "sha256", "imphash":
		return event.Hashes
	}
	if field, ok := alsoFacets[lower]; ok {
		return field
	}
	if getters[lower] != nil || levelGetter(lower) != nil {
		return event.FieldNone
	}
	return fieldOf(lower)
}

// Show implements eventrule.ProcessSubject.
func (s *subject) Show(p proctree.Process) { s.process = p }

// Bundle implements rules.Bundler.
func (s *subject) Bundle(bundle int) rules.ValueID {
	return rules.ValueID(s.process.SharedFacet(proctree.Facet(bundle)))
}

// Values implements rules.Subject.
func (s *subject) Values(dst []rules.ValueID, field int) []rules.ValueID {
	return s.getters[field](s, dst)
}

// The values of rules are the numbers of texts, or, for what hardly ever comes
// again, numbers with these marks: the text is then made when it is asked for.
const (
	valueNumber     = rules.Number | 1<<56 // a number in the lower bits: process IDs come again
	valueFacet      = rules.Grouped        // the fields of a record that it shares with others, by their number
	valueGUID       = rules.Unkept | 2<<56 // the process GUID of the process in hand
	valueParentGUID = rules.Unkept | 3<<56 // the parent's
	valueTime       = rules.Unkept | 4<<56 // the start of the process in hand
	valueSession    = rules.Unkept | 5<<56 // the key of the worker of the process in hand
	valueWebRoot    = rules.Unkept | 7<<56 // the folder of a site around the image of the process in hand
	valueHex        = 6 << 56              // a number that is written after 0x
	valueMark       = rules.Unkept | rules.Grouped | rules.Number | 0x1F<<56
)

// Text implements rules.Subject.
func (s *subject) Text(id rules.ValueID) string {
	switch id & valueMark {
	case valueNumber:
		return strconv.FormatUint(uint64(id&^valueMark), 10)
	case valueHex:
		return "0x" + strconv.FormatUint(uint64(id&^valueMark), 16)
	case valueGUID:
		return s.process.GUID().String()
	case valueParentGUID:
		return s.process.ParentGUID().String()
	case valueTime:
		return utcTime(s.process.Start())
	case valueSession:
		return s.sessionKey(s.servers.workerOf(s.process))
	case valueWebRoot:
		return s.webRoot()
	}
	return s.texts.Text(proctree.TextID(id))
}

// utcTime writes a time as Sysmon writes UtcTime.
func utcTime(t event.Time) string { return t.Time().Format("2006-01-02 15:04:05.000") }

// Members implements rules.Grouper: the texts of a facet.
func (s *subject) Members(dst []rules.ValueID, group rules.ValueID) []rules.ValueID {
	s.members = s.texts.FacetTexts(s.members[:0], proctree.FacetID(group&^valueMark))
	for _, id := range s.members {
		dst = appendText(dst, id)
	}
	return dst
}
