package evtxtest

const (
	tasksChannel  = "Microsoft-Windows-TaskScheduler/Operational"
	keywordsTasks = 0x8000000000000001
)

var tasksProvider = Provider{
	Name: "Microsoft-Windows-TaskScheduler", GUID: MustGUID("DE7B24EA-73C8-4A09-985D-5BDADCFA9017"),
}

// tasks sets what precedes the payload of an event of the task scheduler.
func (ev *Event) tasks(id, task uint16, element string) {
	ev.system(tasksProvider, tasksChannel, id, 0, 4, task, keywordsTasks)
	ev.UserID = localSystem
	ev.Payload.Element = element
}

// TaskRegistered is TaskScheduler event 106.
type TaskRegistered struct{ Name, User string }

// Put implements [Source].
func (p *TaskRegistered) Put(ev *Event) {
	ev.tasks(106, 106, "TaskRegisteredEvent")
	ev.add("TaskName", String(p.Name))
	ev.add("UserContext", String(p.User))
}

// TaskProcess is TaskScheduler event 129: a task has started a process.
type TaskProcess struct {
	Name, Path string
	ProcessID  uint32
}

// Put implements [Source].
func (p *TaskProcess) Put(ev *Event) {
	ev.tasks(129, 129, "CreatedTaskProcess")
	ev.add("TaskName", String(p.Name))
	ev.add("Path", String(p.Path))
	ev.add("ProcessID", Uint32(p.ProcessID))
	ev.add("Priority", Uint32(16384))
}
