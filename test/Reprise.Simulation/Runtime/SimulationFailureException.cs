namespace Reprise.Simulation.Runtime;

/// <summary>The simulator found something that must not be: the seed fails.</summary>
public sealed class SimulationFailureException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The simulated process or machine died here. Code under test must not catch it; nothing after it has effect.</summary>
public sealed class SimulatedCrashException() : Exception("simulated crash");
