package scan

import (
	"fmt"
	"slices"

	"webshellscan/scan/event"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// finder makes findings of processes.
type finder struct {
	forest  *proctree.Forest
	servers *serverMap
	inputs  []*input
}

// finding returns a finding of the subject's process. The caller sets Rules.
func (m *finder) finding(s *subject) *finding.Finding {
	texts, p := m.forest.Texts(), s.process
	f := &s.findings.alloc(1)[0]
	*f = finding.Finding{
		Process: p, Host: p.Host().Name, Time: p.Start(),
		Image: texts.Text(p.Image()), CommandLine: texts.KnownText(p.CommandLine()),
		ProcessID: p.PID(), ProcessGUID: p.GUID(),
		User: texts.KnownText(p.Field(event.User)), IntegrityLevel: texts.KnownText(p.Field(event.IntegrityLevel)),
		ParentImage:       texts.Text(s.parents(event.ParentImage, ownImage)),
		ParentCommandLine: texts.KnownText(s.parents(event.ParentCommandLine, ownLine)),
		ParentProcessID:   p.ParentPID(),
		LogonID:           texts.KnownText(p.Field(event.LogonID)),
		Hashes:            texts.KnownText(p.Field(event.Hashes)),
		CurrentDirectory:  texts.KnownText(p.Field(event.CurrentDirectory)),
		OriginalFileName:  texts.KnownText(p.Field(event.OriginalFileName)),
		Recovered:         p.Recovered(),
	}
	f.Command = s.command(p.CommandLine()).Command
	f.DecodedCommand = f.Command.Decoded
	m.addAncestors(f, s)
	s.records = s.records[:0]
	for r := range p.Records() {
		s.records = append(s.records, m.evidence(r))
	}
	f.Evidence = s.evidence.clone(s.records)
	return f
}

// addAncestors sets the finding's fields about the way up to its worker.
func (m *finder) addAncestors(f *finding.Finding, s *subject) {
	texts := m.forest.Texts()
	f.Worker = m.servers.workerOf(f.Process)
	if f.Worker.Exists() {
		f.WorkerImage, f.WorkerProcessID = texts.Text(f.Worker.Image()), f.Worker.PID()
		f.WorkerCommandLine, f.WorkerStart = texts.KnownText(f.Worker.CommandLine()), f.Worker.Start()
		f.Product, f.ServerRole = m.servers.product(f.Worker), m.servers.serverOf(f.Worker).kind
		f.Session = s.sessionKey(f.Worker)
	}
	s.way = s.way[:0]
	m.climb(f, s)
	slices.Reverse(s.way)
	f.Ancestors = s.ancestors.clone(s.way)
}

// maxNamedAncestors bounds the ancestors that a finding names.
const maxNamedAncestors = 64

// climb collects the ancestors in the subject, from the parent up. Of a long
// way to a worker some in the middle are only counted.
func (m *finder) climb(f *finding.Finding, s *subject) {
	texts, most := m.forest.Texts(), maxNamedAncestors
	if f.Worker.Exists() {
		f.Depth, f.Link = m.servers.depth(f.Process), m.servers.link(f.Process)
		if f.Depth > most {
			most -= 2
		}
	}
	p := f.Process
	for range most {
		parent, link := p.Parent()
		if !parent.Exists() || p == f.Worker {
			return
		}
		f.Link = max(f.Link, link)
		s.way = append(s.way, texts.Text(parent.Image()))
		p = parent
	}
	if f.Worker.Exists() && p != f.Worker {
		s.way = append(s.way, fmt.Sprintf("... (%d more)", f.Depth-most-1), f.WorkerImage)
	}
}

func (m *finder) evidence(r proctree.Record) finding.Evidence {
	return newEvidence(m.forest, m.inputs, r)
}
