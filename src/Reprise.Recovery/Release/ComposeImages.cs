using Reprise.Recovery.Processes;

namespace Reprise.Recovery.Release;

/// <summary>
/// The images that the services of a compose file run from, with digests. Asked through the containers: what
/// <c>compose images</c> prints differs between versions of Compose and does not always name the service.
/// </summary>
internal sealed class ComposeImages(ChildProcesses children, ReleasePrograms programs)
{
    private const int MaxContainers = 100;
    private const string DigestPrefix = "sha256:";

    private const string ContainerFormat =
        """{{index .Config.Labels "com.docker.compose.service"}} {{.Config.Image}} {{.Image}}""";

    private const string ImageFormat = """{{.Id}} {{join .RepoDigests " "}}""";

    /// <summary>
    /// <c>service=image@sha256:…</c> in order of services, or null when nothing can be told. The digest is the one that
    /// the registry knows; for an image that was built here it is the image's own.
    /// </summary>
    public async Task<IReadOnlyList<string>?> ReadAsync(string folder, CancellationToken cancellationToken)
    {
        var ids = await LinesAsync([programs.Docker, "compose", "ps", "-q"], folder, cancellationToken)
            ?? await LinesAsync([programs.DockerCompose, "ps", "-q"], folder, cancellationToken);
        var containers = (ids ?? []).Where(IsContainerId).Take(MaxContainers).ToList();
        if (containers.Count == 0) return null;
        var described = await LinesAsync(
            [programs.Docker, "inspect", "--type", "container", "--format", ContainerFormat, .. containers],
            folder,
            cancellationToken);
        var services = (described ?? [])
            .Select(line => line.Split(' '))
            .Where(words => words is [{ Length: > 0 }, { Length: > 0 }, { Length: > 0 }])
            .Select(words => (Service: words[0], Image: words[1], Id: Digest(words[2])))
            .Where(container => IsDigest(container.Id))
            .ToList();
        if (services.Count == 0) return null;
        var digests = await DigestsAsync([.. services.Select(s => s.Id).Distinct()], folder, cancellationToken);
        var words = services.Select(s => Word(s.Service, s.Image, s.Id, digests));
        return [.. words.Distinct().Order(StringComparer.Ordinal)];
    }

    private async Task<Dictionary<string, List<string>>> DigestsAsync(
        List<string> images, string folder, CancellationToken cancellationToken)
    {
        var lines = await LinesAsync(
            [programs.Docker, "image", "inspect", "--format", ImageFormat, .. images], folder, cancellationToken);
        var digests = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var words in (lines ?? []).Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))
            digests[Digest(words[0])] = [.. words.Skip(1)];
        return digests;
    }

    private static string Word(string service, string image, string id, Dictionary<string, List<string>> digests)
    {
        if (image.Contains('@', StringComparison.Ordinal)) return $"{service}={image}";
        var repository = Repository(image);
        var known = digests.GetValueOrDefault(id) ?? [];
        var digest = known.Find(d => d.StartsWith(repository + "@", StringComparison.Ordinal))
            ?? known.FirstOrDefault();
        var name = image.StartsWith(DigestPrefix, StringComparison.Ordinal) ? "untagged" : image;
        return $"{service}={name}@{digest?.Split('@')[^1] ?? id}";
    }

    // The tag follows the last colon, unless that belongs to the port of the registry.
    private static string Repository(string image)
    {
        var colon = image.LastIndexOf(':');
        return colon > image.LastIndexOf('/') ? image[..colon] : image;
    }

    private static bool IsContainerId(string line) =>
        line.Length is >= 12 and <= 64 && line.All(char.IsAsciiHexDigitLower);

    // Podman's client, which many hosts call docker, leaves the prefix out.
    private static string Digest(string id) =>
        id.Length == 64 && id.All(char.IsAsciiHexDigitLower) ? DigestPrefix + id : id;

    private static bool IsDigest(string word) => word.StartsWith(DigestPrefix, StringComparison.Ordinal);

    private async Task<List<string>?> LinesAsync(
        IReadOnlyList<string> arguments, string folder, CancellationToken cancellationToken)
    {
        var result = await children.RunAsync(new ChildCommand(arguments) { Folder = folder }, cancellationToken);
        return result.Exit == 0
            ? [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)]
            : null;
    }
}
