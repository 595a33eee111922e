namespace Reprise.Tests;

public class HouseTests
{
    [Fact]
    public void Object_names_are_checked()
    {
        Assert.True(Reprise.Storage.ObjectName.IsValid("packs/ab"));
        Assert.False(Reprise.Storage.ObjectName.IsValid("packs/../keys"));
    }
}
