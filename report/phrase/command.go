package phrase

import (
	"cmp"
	"strings"

	"webshellscan/scan/proctree"
)

// Command returns a command line as it is read best: without the folder if the
// image is one of the system's own, and with the image's name if the command
// line does not name it.
func Command(image, command string) string {
	command = strings.TrimSpace(command)
	if command == "" {
		return cmp.Or(image, "(unknown)")
	}
	base := proctree.BaseName(image)
	if rest, ok := withoutSystemFolder(command, image); ok {
		return image[len(image)-len(base):] + rest
	}
	if base != "" && !strings.Contains(strings.ToLower(command), strings.TrimSuffix(base, ".exe")) {
		return "[" + base + "] " + command
	}
	return command
}

// withoutSystemFolder returns what follows the program in a command line that
// begins with the image's own path, if that lies in System32 itself.
func withoutSystemFolder(command, image string) (string, bool) {
	const folder = `:\windows\system32\`
	end := strings.LastIndexByte(image, '\\') + 1
	if end < 2 || !strings.EqualFold(image[1:end], folder) {
		return "", false
	}
	stem := strings.TrimSuffix(strings.ToLower(image), ".exe")
	rest, quoted := strings.CutPrefix(strings.TrimPrefix(command, `\??\`), `"`)
	if len(rest) < len(stem) || !strings.EqualFold(rest[:len(stem)], stem) {
		return "", false
	}
	rest = rest[len(stem):]
	if len(rest) >= 4 && strings.EqualFold(rest[:4], ".exe") {
		rest = rest[4:]
	}
	if quoted {
		return strings.CutPrefix(rest, `"`)
	}
	return rest, rest == "" || rest[0] == ' '
}
