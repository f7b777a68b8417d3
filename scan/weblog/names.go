package weblog

import (
	"path"
	"regexp"
	"strings"
)

// IsNamed reports whether a file is called as web servers call the logs of
// requests: access.log, localhost_access_log.2024-03-11.txt.
func IsNamed(name string) bool {
	name = strings.ToLower(path.Base(name))
	_, after, ok := strings.Cut(name, "access")
	return ok && (strings.HasPrefix(after, ".log") || strings.HasPrefix(after, "_log") || strings.HasPrefix(after, "log"))
}

// logName matches the names, in lower case, that web servers give their logs by
// themselves: IIS, HTTP.sys, Apache, nginx and Tomcat.
var logName = regexp.MustCompile(`^(u_(ex|in|nc|extend)\w*|(ex|in|nc|extend)\d+(_x)?|httperr\d*)\.log(\.gz)?$` +
	`|^([\w.-]*[._-])?(access|error)([._-].*)?$|^localhost_access_log.*$`)

// logFolders are the folders, in lower case, below which text files may be web
// server logs whatever they are called.
var logFolders = map[string]bool{
	"log": true, "logs": true, "logfiles": true, "logging": true, "httperr": true, "httpproxy": true, "weblogs": true,
	"failedreqlogfiles": true,
}

// siteFolder is how the folders of the logs of an IIS's sites begin, in lower
// case: their numbers follow.
const siteFolder = "w3svc"

// MayBeName reports whether a file of a name in lower case, without its folder,
// may be the log of a web server in some folder.
func MayBeName(name string) bool { return isTextLogName(name) || logName.MatchString(name) }

// isTextLogName reports whether a name in lower case has an ending of logs that
// are text, packed and rotated ones too: .log, .txt, .log.1, .log.gz,
// .log-20260301.
func isTextLogName(name string) bool {
	name = strings.TrimSuffix(name, ".gz")
	return strings.HasSuffix(name, ".log") || strings.HasSuffix(name, ".txt") || strings.Contains(name, ".log.") || strings.Contains(name, ".log-")
}

// MayBePath reports whether a file of a path in lower case, with slashes, may
// be the log of a web server: it is called as web servers call theirs, or lies
// below a folder of logs.
func MayBePath(file string) bool {
	folder, name := path.Split(file)
	if logName.MatchString(name) {
		return true
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(folder, "/"), "/") {
		if logFolders[part] || strings.HasPrefix(part, siteFolder) {
			return true
		}
	}
	return false
}

// SiteOf returns the number of the site of IIS that the folder of a log names,
// such as W3SVC2; "" if it names none. The path has slashes.
func SiteOf(file string) string {
	id, ok := strings.CutPrefix(strings.ToLower(path.Base(path.Dir(file))), siteFolder)
	if !ok || !isNumber(id) {
		return ""
	}
	return id
}

// SiteNumber returns the number of a site that a log names by number, as
// W3SVC2, or by name: that is looked for in sites, by number.
func SiteNumber(name string, sites map[string]*Site) string {
	id := strings.TrimPrefix(strings.ToLower(name), siteFolder)
	if id != "" && isNumber(id) {
		return id
	}
	for id, site := range sites {
		if strings.EqualFold(site.Name, name) {
			return id
		}
	}
	return ""
}

// isNumber reports whether a text has nothing but digits.
func isNumber(text string) bool { return strings.Trim(text, "0123456789") == "" }
