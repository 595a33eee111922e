using System.Runtime.Versioning;

// The tests run where the program runs first; what is portable is compiled for Windows by the gate.
[assembly: SupportedOSPlatform("linux")]
