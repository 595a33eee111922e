using System.Text;
using System.Text.RegularExpressions;
using Reprise.Cli;
using Reprise.Configuration;
using Reprise.Json;
using Reprise.Setup;
using Reprise.Storage.Disk;
using Reprise.Storage.Errors;

namespace Reprise.Wiring;

/// <summary>
/// <c>init</c>: writes what is missing of configuration, repository, key and sheet, and overwrites nothing.
/// </summary>
internal sealed partial class InitOperation(InitOptions options, CommandContext context)
{
    private const int ReadableByAll = 0x1A4;

    private readonly List<string> created = [];
    private readonly List<string> kept = [];
    private readonly List<Problem> problems = [];
    private Surroundings? around;

    /// <summary>Makes what is missing.</summary>
    public static Task<CommandReport<InitJson>> RunAsync(InitOptions options, CommandContext context) =>
        new InitOperation(options, context).RunAsync();

    private async Task<CommandReport<InitJson>> RunAsync()
    {
        var file = context.ConfigurationPath;
        var disk = context.Host.Disk;
        if (ConfigurationFile.ReadText(disk, file, context.ConfigurationName) is null) await WriteConfigurationAsync(
            file);
        else kept.Add(file);
        var configuration = ConfigurationFile.Load(
            disk, context.ConfigurationName, context.Host.WorkingFolder, context.Host.Environment);
        context.Use(configuration);
        var sheet = Path.Combine(configuration.Folder, configuration.Application + "-recovery-sheet.txt");
        var made = await new RepositoryMaker(Machine.Of(context.Host)).MakeAsync(
            configuration.Application, configuration.Repository, sheet, context.Cancellation);
        created.AddRange(made.Created);
        kept.AddRange(made.Kept);
        return new CommandReport<InitJson>(
            new InitJson
            {
                Configuration = file,
                Found = around?.Found ?? [],
                Created = created,
                Kept = kept,
                RecoverySheet = made.Sheet,
                Schedule = ScheduleText.Of(
                    configuration.Application, context.Host.ProgramPath, file, configuration.Objectives.Rpo),
            },
            problems);
    }

    private async Task WriteConfigurationAsync(string file)
    {
        var folder = Path.GetDirectoryName(file) ?? file;
        around = new LookAround(context.Host.Disk, folder, context.Host.Environment).Look();
        var text = ConfigurationText.Of(await ChooseAsync(folder), around);
        WriteNew(new DiskPath(file), text);
        created.Add(file);
        problems.AddRange(around.VolumesNotProtected.Select(volume => new Problem(
            SetupErrors.VolumeNotProtected,
            Severity.Warning,
            $"the volume {volume} is not protected: its files are not in a folder of this host",
            "mount a folder instead (./uploads:/app/uploads), and add it to files.include")));
        if (around is { Databases.Count: 0, Files.Count: 0, Secrets.Count: 0 })
        {
            problems.Add(new Problem(
                SetupErrors.NothingFound,
                Severity.Warning,
                $"nothing to protect was found in {folder}",
                $"name it in {file}, or run reprise init in the folder of the application"));
        }
    }

    private async Task<SetupChoices> ChooseAsync(string folder)
    {
        var application = options.Application ?? NameOf(folder);
        if (!NameForm().IsMatch(application))
        {
            throw new RepriseException(
                CliErrors.OptionValue,
                $"'{application}' cannot be the name of an application",
                "use letters a to z, digits, '-' and '_', as in --application shop");
        }

        var location = context.Options.Repository;
        var seal = options.SealSecrets;
        if (context.CanAsk)
        {
            location ??= await AskAsync("Where shall points be kept? Another disk is best. [./recovery] ");
            if (around is { Secrets.Count: > 0 }) seal ??= await AskWhetherSealedAsync();
        }

        return new SetupChoices
        {
            Application = application,
            Location = location ?? "./recovery",
            KeyFile = context.Options.KeyFile is { } key ? context.FullPath(key) : UsualKey(application),
            SealSecrets = seal ?? false,
        };
    }

    private async Task<bool> AskWhetherSealedAsync()
    {
        context.Prose.Paragraph(
            "Points keep the names of secrets and fingerprints of their values. They can keep the values too, "
            + "encrypted: without them, a lost host comes back only when somebody still knows them.");
        return await AskAsync("Keep the values too? [y/N] ") is "y" or "Y" or "yes";
    }

    private async Task<string?> AskAsync(string question)
    {
        var typed = (await context.Host.Terminal.AskAsync(question, context.Cancellation))?.Trim();
        return string.IsNullOrEmpty(typed) ? null : typed;
    }

    // Without a home (a service, a bare container) the key lies beside the configuration.
    private string UsualKey(string application)
    {
        var hasHome = context.Host.Environment.GetValueOrDefault("HOME", "").Length > 0
            || context.Host.Environment.GetValueOrDefault("USERPROFILE", "").Length > 0;
        return hasHome ? $"~/.config/reprise/{application}.key" : $"./{application}.key";
    }

    private static string NameOf(string folder)
    {
        var name = NotOfName().Replace(Path.GetFileName(folder.TrimEnd('/', '\\')), "-").Trim('-', '_');
        return name.Length == 0 ? "application" : name[..Math.Min(name.Length, ConfigurationParser.MaxNameLength)];
    }

    private void WriteNew(DiskPath path, string text)
    {
        var disk = context.Host.Disk;
        var draft = path.WithSuffix(".draft");
        disk.DeleteFile(draft);
        using (var file = disk.CreateNew(draft))
        {
            file.Write(0, Encoding.UTF8.GetBytes(text));
            file.Sync();
        }

        disk.SetMode(draft, ReadableByAll);
        if (!disk.RenameNew(draft, path))
        {
            disk.DeleteFile(draft);
            throw new RepriseException(
                StorageErrors.FileExists, $"{path} was made by somebody else meanwhile", "run reprise init again");
        }

        disk.SyncFolder(path.Parent);
    }

    [GeneratedRegex("[^A-Za-z0-9_-]+", RegexOptions.None, 1000)]
    private static partial Regex NotOfName();

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9_-]{0,62}\z", RegexOptions.None, 1000)]
    private static partial Regex NameForm();
}
