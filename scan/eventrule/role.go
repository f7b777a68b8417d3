package eventrule

import (
	"strings"

	"webshellscan/rules"
	"webshellscan/scan/finding"
	"webshellscan/scan/proctree"
)

// ImageRoles finds by its image alone which kind of server a process is.
type ImageRoles struct {
	set     *rules.Set
	matcher *rules.Matcher
	known   map[string]int // 1 + index of the rule that identifies it, 0 for none
}

// maxImages bounds the images whose roles are remembered.
const maxImages = 1 << 14

// NewImageRoles returns the roles that some rules give servers.
func NewImageRoles(servers *rules.Set) *ImageRoles {
	return &ImageRoles{servers, servers.NewMatcher(), make(map[string]int)}
}

// of returns the role of an image, "" if it is no server's.
func (r *ImageRoles) of(path []byte) string {
	if rule, ok := r.Rule(path); ok {
		return string(finding.ServerRoleOf(r.set.Rules()[rule]))
	}
	return ""
}

// Rule returns the index of the rule that identifies a server by its image.
func (r *ImageRoles) Rule(path []byte) (int, bool) {
	rule, ok := r.known[string(path)]
	if ok || !proctree.IsKnown(string(path)) {
		return rule - 1, rule > 0
	}
	image := string(path)
	if matches := r.matcher.Match(nil, &imageSubject{r.set.Fields(), image}); len(matches) > 0 {
		rule = matches[0] + 1
	}
	if len(r.known) == maxImages {
		clear(r.known)
	}
	r.known[image] = rule
	return rule - 1, rule > 0
}

// imageSubject shows a process to rules of which nothing but the image is
// known.
type imageSubject struct {
	fields []string
	image  string
}

// The values of an imageSubject.
const (
	imagePath = rules.Unkept
	imageFile = rules.Unkept | 1
)

// Values implements rules.Subject.
func (s *imageSubject) Values(dst []rules.ValueID, field int) []rules.ValueID {
	switch strings.ToLower(s.fields[field]) {
	case "image":
		return append(dst, imagePath)
	case "imagename":
		return append(dst, imageFile)
	}
	return dst
}

// Text implements rules.Subject.
func (s *imageSubject) Text(id rules.ValueID) string {
	if id == imageFile {
		return proctree.BaseName(s.image)
	}
	return s.image
}
