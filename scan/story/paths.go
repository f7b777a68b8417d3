package story

import (
	"strings"
)

// maxPath is the longest path that is looked for, in bytes: that of Windows
// with every character as three bytes of UTF-8 (MAX_PATH is 260; longer ones
// are rare enough to be no tie).
const maxPath = 1024

// cleanPath returns a path as paths are compared: in lower case, without what
// programs put before it, and with the folders that variables stand for where
// these are everywhere the same. It returns "" for what is no whole path of a
// local drive.
func cleanPath(path string) string {
	p := strings.ToLower(strings.TrimSpace(strings.Trim(path, `"`)))
	for _, prefix := range []string{`\??\`, `\\?\`, `\\.\`, "file:_", "file:", "containerfile:_"} {
		p = strings.TrimPrefix(p, prefix)
	}
	for _, v := range variables {
		if rest, ok := strings.CutPrefix(p, v[0]); ok {
			p = v[1] + rest
		}
	}
	p = strings.ReplaceAll(p, "/", `\`)
	if len(p) < 4 || len(p) > maxPath || p[1] != ':' || p[2] != '\\' || p[0] < 'a' || p[0] > 'z' {
		return ""
	}
	return p
}

// variables are names of folders, and where these are unless somebody moved
// them.
var variables = [][2]string{
	{"%osdrive%", "c:"},
	{"%systemdrive%", "c:"},
	{"%systemroot%", `c:\windows`},
	{"%windir%", `c:\windows`},
	{`\systemroot`, `c:\windows`},
	{"%programdata%", `c:\programdata`},
	{"%allusersprofile%", `c:\programdata`},
	{"%public%", `c:\users\public`},
	{"%programfiles%", `c:\program files`},
}

// withoutStream returns a path without the name of an alternate data stream.
func withoutStream(path string) string {
	if i := strings.IndexByte(path, ':'); i == 1 {
		if j := strings.IndexByte(path[2:], ':'); j >= 0 {
			return path[:2+j]
		}
	}
	return path
}

// systemFolders hold what comes with Windows or was installed: a program there
// is a session's own only if the session wrote it.
var systemFolders = []string{
	`c:\windows\system32\`, `c:\windows\syswow64\`, `c:\windows\microsoft.net\`, `c:\windows\winsxs\`, `c:\windows\servicing\`,
	`c:\program files\`, `c:\program files (x86)\`,
}

// InSystemFolder reports whether an image lies in a folder of programs that
// came with Windows or were installed, whoever started them.
func InSystemFolder(image string) bool {
	clean := cleanPath(image)
	return clean != "" && inSystemFolder(clean)
}

// inSystemFolder reports whether a path as cleanPath gives it lies in a folder
// of programs that are not a session's own.
func inSystemFolder(path string) bool {
	for _, folder := range systemFolders {
		if strings.HasPrefix(path[2:], folder[2:]) {
			return true
		}
	}
	return len(path) > len(`c:\windows\`) && strings.HasPrefix(path[2:], `\windows\`) && !strings.Contains(path[len(`c:\windows\`):], `\`)
}

// Bounds of how much of a text is searched for paths.
const (
	maxSearched = 1 << 16 // bytes
	maxTried    = 1 << 10 // places where a path may begin
	maxEnds     = 32      // places where one may end
)

// pathsIn yields what may be whole paths of local drives in a text, as
// cleanPath gives them: from each drive letter on, up to each place where a
// path may end.
func pathsIn(text string, yield func(string) bool) {
	text = strings.ToLower(text[:min(len(text), maxSearched)])
	text = strings.ReplaceAll(text, `\\`, `\`)
	for _, v := range variables {
		text = strings.ReplaceAll(text, v[0], v[1])
	}
	tried := 0
	for at := 0; tried < maxTried; tried++ {
		i := strings.Index(text[at:], `:\`)
		if i < 0 {
			return
		}
		start := at + i - 1
		at += i + 2
		if start < 0 || text[start] < 'a' || text[start] > 'z' {
			continue
		}
		ends := 0
		for end := start + 3; end <= len(text) && end-start <= maxPath && ends < maxEnds; end++ {
			if end < len(text) && !strings.ContainsRune("\"'<>|\r\n\t ;,=)(*?&-", rune(text[end])) {
				continue
			}
			ends++
			if !yield(text[start:end]) {
				return
			}
			if end < len(text) && strings.ContainsRune("\"<>|\r\n*?", rune(text[end])) {
				break
			}
		}
	}
}
