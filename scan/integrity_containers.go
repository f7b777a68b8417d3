package scan

import "webshellscan/scan/source"

// IntegrityContainer is a remark about an archive or a disk image that was read.
const IntegrityContainer IntegrityKind = "container"

// containerIntegrity returns the remarks about containers.
func containerIntegrity(notes []source.Note) []*Integrity {
	var list []*Integrity
	for _, n := range notes {
		list = append(list, &Integrity{
			Kind: IntegrityContainer, Level: IntegrityNotice, File: n.Path, Count: 1, Text: n.Text,
			Meaning: "What the container holds was read as far as it could be.",
		})
	}
	return list
}
