using System.CommandLine;

return new RootCommand("captures what an application needs to live, proves that it comes back, and brings it back")
    .Parse(args)
    .Invoke();
